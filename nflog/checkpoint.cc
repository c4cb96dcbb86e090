// SPDX-License-Identifier: Apache-2.0
#include "nflog/checkpoint.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "core/log.h"

namespace kube_nflog {
namespace {

constexpr std::chrono::seconds kInterval{1};
constexpr std::string_view kEnd = "\nend\n";  // without it the file was cut

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// Up to `limit` bytes.
bool read_all(int fd, std::size_t limit, std::string& bytes) {
  bytes.resize(limit);
  std::size_t size = 0;
  while (size < limit) {
    const ssize_t got = ::read(fd, bytes.data() + size, limit - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  bytes.resize(size);
  return true;
}

// O_NONBLOCK and O_NOFOLLOW: neither a FIFO nor somebody's link in our place may lead us on.
constexpr int kOurs = O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW;
constexpr mode_t kOwnerOnly = 0600;

}  // namespace

Result<Checkpoint> Checkpoint::open(const std::string& directory, std::string_view source) {
  Checkpoint checkpoint;
  if (directory.empty()) return checkpoint;
  checkpoint.name_ = std::string(source) + ".checkpoint";
  checkpoint.spare_name_ = checkpoint.name_ + ".new";
  checkpoint.path_ = directory + "/" + checkpoint.name_;
  checkpoint.header_ = "kube-nflog checkpoint 1 " + std::string(source) + "\n";
  const auto cannot = [&](int error) {
    return fail("Cannot keep the reading position in --state-dir=" + directory + ": " +
                    std::strerror(error) +
                    ". Give a directory that this process may write to and that outlives it, such "
                    "as a hostPath volume; or leave the flag out, and a restart reads on from the "
                    "end.",
                Exit::kNoInput, error);
  };
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return cannot(errno);
  checkpoint.directory_ = UniqueFd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!checkpoint.directory_) return cannot(errno);
  // Tried now, lest the first word of a read-only file system is a warning at the first drop.
  const UniqueFd spare(::openat(checkpoint.directory_.get(), checkpoint.spare_name_.c_str(),
                                O_WRONLY | O_CREAT | kOurs, kOwnerOnly));
  if (!spare || ::unlinkat(checkpoint.directory_.get(), checkpoint.spare_name_.c_str(), 0) != 0)
    return cannot(errno);
  return checkpoint;
}

Result<std::optional<std::string>> Checkpoint::load() const {
  if (!directory_) return std::optional<std::string>();
  const auto cannot = [&](const std::string& why) {
    return fail("The reading position in " + path_ + " is not used: " + why + ".");
  };
  const UniqueFd file(::openat(directory_.get(), name_.c_str(), O_RDONLY | kOurs));
  if (!file && errno == ENOENT) return std::optional<std::string>();
  if (!file) return cannot(std::strerror(errno));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode))
    return cannot("it is not a regular file");
  std::string text;
  const std::size_t limit = header_.size() + kMaxPosition + kEnd.size();
  if (!read_all(file.get(), limit + 1, text)) return cannot(std::strerror(errno));
  const bool ours = text.size() <= limit && text.size() >= header_.size() + kEnd.size() &&
                    text.starts_with(header_) && text.ends_with(kEnd);
  if (!ours) return cannot("it is damaged, or another program's");
  return text.substr(header_.size(), text.size() - header_.size() - kEnd.size());
}

Result<> Checkpoint::store(std::string_view position) {
  deadline_.reset();
  if (!directory_) return {};
  const auto cannot = [&](int error) {
    return fail("Cannot write the reading position to " + path_ + ": " + std::strerror(error) +
                    ". A restart will read again what comes after the last position written.",
                Exit::kFailure, error);
  };
  if (position.size() > kMaxPosition) return cannot(EFBIG);
  const UniqueFd file(::openat(directory_.get(), spare_name_.c_str(),
                               O_WRONLY | O_CREAT | O_TRUNC | kOurs, kOwnerOnly));
  if (!file || !write_all(file.get(), header_) || !write_all(file.get(), position) ||
      !write_all(file.get(), kEnd) ||
      ::renameat(directory_.get(), spare_name_.c_str(), directory_.get(), name_.c_str()) != 0)
    return cannot(errno);
  stored_ = position;
  return {};
}

void Checkpoint::keep(std::string_view position, SteadyTime now) {
  if (!directory_ || position == stored_) return deadline_.reset();
  if (now < next_) {
    deadline_ = next_;
    return;
  }
  next_ = now + kInterval;
  if (Result<> stored = store(position); !stored)
    log::warn_every(std::chrono::seconds(60), "checkpoint", stored.error().what);
}

}  // namespace kube_nflog
