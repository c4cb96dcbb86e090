// SPDX-License-Identifier: Apache-2.0
#include "nflog/file_follower.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "core/log.h"

namespace kube_nflog {
namespace {

tl::unexpected<Error> cannot_read(const std::string& path, int error) {
  return fail("Cannot read the log file " + path + ": " + std::strerror(error) + ".",
              Exit::kNoInput, error);
}

}  // namespace

Result<FileFollower> FileFollower::open(const std::string& path) {
  FileFollower follower;
  follower.path_ = path;
  follower.notify_ = UniqueFd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!follower.notify_) {
    return fail(std::string("Cannot watch files with inotify: ") + std::strerror(errno) +
                    ". fs.inotify.max_user_instances may be too low.",
                Exit::kUnavailable, errno);
  }
  if (Result<> opened = follower.open_file(); !opened) return fail(opened.error());
  follower.offset_ = ::lseek(follower.file_.get(), 0, SEEK_END);

  const std::string directory = std::filesystem::path(path).parent_path();
  if (::inotify_add_watch(follower.fd(), directory.empty() ? "." : directory.c_str(),
                          IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_ONLYDIR) < 0) {
    return fail("Cannot watch the directory of " + path + ": " + std::strerror(errno) + ".",
                Exit::kUnavailable, errno);
  }
  return follower;
}

Result<> FileFollower::open_file() {
  // O_NONBLOCK: a FIFO at this path must not hold up the start.
  UniqueFd file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return cannot_read(path_, errno);
  if (!S_ISREG(status.st_mode)) {
    return fail("Cannot follow " + path_ + ": it is not a regular file.", Exit::kNoInput);
  }
  // By way of /proc, so that it is this very file although the path may already be another's.
  const std::string self = "/proc/self/fd/" + std::to_string(file.get());
  const int watch = ::inotify_add_watch(fd(), self.c_str(), IN_MODIFY);
  if (watch < 0) {
    return fail("Cannot watch the log file " + path_ + ": " + std::strerror(errno) + ".",
                Exit::kUnavailable, errno);
  }
  if (file_watch_ >= 0 && file_watch_ != watch) ::inotify_rm_watch(fd(), file_watch_);
  file_watch_ = watch;
  file_ = std::move(file);
  device_ = status.st_dev;
  inode_ = status.st_ino;
  offset_ = 0;
  return {};
}

void FileFollower::acknowledge() {
  // What happened matters not: next_line() looks at the files themselves.
  alignas(inotify_event) std::array<char, 4096> events;
  while (::read(fd(), events.data(), events.size()) > 0) continue;
}

Result<std::optional<std::string_view>> FileFollower::next_line() {
  for (;;) {
    if (const auto line = lines_.next()) return line;
    // Looked at before the last read: what the writer adds to the old file comes before its first
    // bytes in the new one.
    const bool successor = successor_has_begun();
    const Result<bool> filled = fill();
    if (!filled) return fail(filled.error());
    if (*filled) continue;
    if (!successor) return std::optional<std::string_view>();
    if (Result<> opened = open_file();
        !opened) {  // gone again, or not readable yet: IN_ATTRIB will tell
      log::warn_every(std::chrono::seconds(60), "log_file", opened.error().what);
      return std::optional<std::string_view>();
    }
    if (const auto last = lines_.rest()) return last;
  }
}

Result<bool> FileFollower::fill() {
  restart_if_truncated();
  const std::span<char> room = lines_.room();
  const ssize_t got = ::read(file_.get(), room.data(), room.size());
  if (got < 0) return cannot_read(path_, errno);
  lines_.filled(static_cast<std::size_t>(got));
  offset_ += got;
  return got > 0;
}

void FileFollower::restart_if_truncated() {
  struct stat status {};
  if (::fstat(file_.get(), &status) != 0 || status.st_size >= offset_) return;
  offset_ = ::lseek(file_.get(), 0, SEEK_SET);
  lines_.clear();  // the rest of a line that was begun is gone
}

bool FileFollower::successor_has_begun() const {
  struct stat status {};
  if (::stat(path_.c_str(), &status) != 0 ||
      (status.st_dev == device_ && status.st_ino == inode_)) {
    return false;
  }
  if (status.st_size > 0) return true;
  // Watched first and looked at again, lest its first bytes come in between.
  ::inotify_add_watch(fd(), path_.c_str(), IN_MODIFY);
  return ::stat(path_.c_str(), &status) == 0 && status.st_size > 0;
}

}  // namespace kube_nflog
