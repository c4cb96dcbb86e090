// SPDX-License-Identifier: Apache-2.0
#include "nflog/file_watch.h"

#include <linux/magic.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "core/log.h"

namespace kube_nflog {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

// File systems whose files others write without this kernel's inotify noticing: over the network,
// or below an overlay.
bool is_written_elsewhere(int file) {
  constexpr std::array<std::uint32_t, 10> kTypes{
      NFS_SUPER_MAGIC,  SMB_SUPER_MAGIC,       CIFS_SUPER_MAGIC, SMB2_SUPER_MAGIC,
      V9FS_MAGIC,       OVERLAYFS_SUPER_MAGIC, CEPH_SUPER_MAGIC, AFS_SUPER_MAGIC,
      FUSE_SUPER_MAGIC, OCFS2_SUPER_MAGIC};
  struct statfs about {};
  return file >= 0 && ::fstatfs(file, &about) == 0 &&
         std::find(kTypes.begin(), kTypes.end(), static_cast<std::uint32_t>(about.f_type)) !=
             kTypes.end();
}

std::string directory_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path().string() : ".";
}

}  // namespace

FileWatch::FileWatch() : notify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  if (notify_) return;
  log::warn(std::string("Cannot watch files with inotify: ") + std::strerror(errno) +
            ". fs.inotify.max_user_instances may be too low. Looking four times a second instead.");
}

void FileWatch::acknowledge() {
  alignas(inotify_event) std::array<char, 4096> events;
  while (::read(fd(), events.data(), events.size()) > 0) continue;
}

void FileWatch::follow(const std::string& path, int file) {
  constexpr std::uint32_t kDirectory =
      IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_DELETE | IN_MOVED_FROM | IN_ONLYDIR;
  std::vector<int> before = std::exchange(watches_, {});
  before.insert(before.end(), also_.begin(), also_.end());
  also_.clear();
  serves_ = !is_written_elsewhere(file);
  add(directory_of(path), kDirectory, watches_);
  std::error_code error;
  const fs::path target = fs::weakly_canonical(path, error);
  if (!error) add(directory_of(target), kDirectory, watches_);
  // By way of /proc, so that it is this very file although the path may already be another's.
  if (file >= 0) add("/proc/self/fd/" + std::to_string(file), IN_MODIFY, watches_);
  leave(before);
}

void FileWatch::also(const std::string& path) {
  const std::vector<int> before = std::exchange(also_, {});
  add(path, IN_MODIFY, also_);
  leave(before);
}

void FileWatch::add(const std::string& path, std::uint32_t events, std::vector<int>& watches) {
  if (!notify_) return;
  const int watch = ::inotify_add_watch(fd(), path.c_str(), events);
  if (watch >= 0) return watches.push_back(watch);
  if (errno == ENOENT) return;  // gone again: its directory tells
  serves_ = false;
  log::warn_every(std::chrono::seconds(60), "inotify",
                  "Cannot watch " + path + " with inotify: " + std::strerror(errno) +
                      ". Looking four times a second instead.");
}

void FileWatch::leave(const std::vector<int>& watches) {
  const auto has = [](const std::vector<int>& some, int watch) {
    return std::find(some.begin(), some.end(), watch) != some.end();
  };
  for (const int watch : watches)
    if (!has(watches_, watch) && !has(also_, watch)) ::inotify_rm_watch(fd(), watch);
}

milliseconds FileWatch::patience() const {
  return notify_ && serves_ ? milliseconds(1000) : milliseconds(250);
}

}  // namespace kube_nflog
