// SPDX-License-Identifier: Apache-2.0
#include "core/state_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <utility>

#include "core/file_time.h"

namespace kube_nflog {
namespace {

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// Up to `limit` bytes, of a file that has `size` of them.
bool read_all(int fd, std::size_t size, std::size_t limit, std::string& bytes) {
  bytes.resize(std::min(size, limit));
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t got = ::read(fd, bytes.data() + filled, bytes.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  bytes.resize(filled);
  return true;
}

// To notice what a power cut or a bad disk has left; by words, for megabytes may be written once a
// second.
std::uint64_t checksum(std::uint64_t h, std::string_view bytes) {
  const auto add = [&h](std::uint64_t word) {
    h = (h ^ word) * 0x9e3779b97f4a7c15U;
    h ^= h >> 32;
  };
  add(bytes.size());
  while (!bytes.empty()) {
    std::uint64_t word = 0;
    const std::size_t size = std::min(bytes.size(), sizeof word);
    std::memcpy(&word, bytes.data(), size);
    add(word);
    bytes.remove_prefix(size);
  }
  return h;
}

// What the file begins with: "KIND POSITION-BYTES STATE-BYTES CHECKSUM\n".
std::string heading(std::string_view kind, std::string_view position, std::string_view state) {
  const std::uint64_t sum = checksum(checksum(0, position), state);
  return std::string(kind) + ' ' + std::to_string(position.size()) + ' ' +
         std::to_string(state.size()) + ' ' + std::to_string(sum) + '\n';
}

// Of "N ": takes it off `text`.
std::optional<std::size_t> take_size(std::string_view& text) {
  std::size_t size = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, size);
  if (error != std::errc() || stopped == end) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(stopped - text.data()) + 1);
  return size;
}

// Null: not all of it is as heading() and store() leave it.
std::optional<StoredState> parse(std::string_view text, std::string_view kind) {
  if (!text.starts_with(kind) || text.size() == kind.size()) return std::nullopt;
  std::string_view rest = text.substr(kind.size() + 1);
  const std::optional<std::size_t> position_size = take_size(rest);
  const std::optional<std::size_t> state_size = position_size ? take_size(rest) : std::nullopt;
  const std::size_t line = rest.find('\n');
  if (!state_size || line == std::string_view::npos) return std::nullopt;
  rest.remove_prefix(line + 1);
  if (*position_size > rest.size() || *state_size != rest.size() - *position_size)
    return std::nullopt;
  const std::string_view position = rest.substr(0, *position_size);
  const std::string_view state = rest.substr(*position_size);
  if (text.substr(0, text.size() - rest.size()) != heading(kind, position, state))
    return std::nullopt;
  return StoredState{.position = std::string(position), .state = std::string(state)};
}

// O_NONBLOCK and O_NOFOLLOW: neither a FIFO nor somebody's link in our place may lead us on.
constexpr int kOurs = O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW;
constexpr mode_t kOwnerOnly = 0600;

}  // namespace

Result<StateFile> StateFile::open(const std::string& directory, std::string_view source) {
  StateFile file;
  file.name_ = std::string(source) + ".state";
  file.spare_name_ = file.name_ + ".new";
  file.path_ = directory + "/" + file.name_;
  file.kind_ = "kube-nflog state 1 " + std::string(source);
  const auto cannot = [&](int error) {
    return fail("Cannot keep anything in --state-dir=" + directory + ": " + std::strerror(error) +
                    ". Give a directory that this process may write to and that outlives it, such "
                    "as a hostPath volume; or leave the flag out, and a restart reads on from the "
                    "end.",
                Exit::kNoInput, error);
  };
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return cannot(errno);
  file.directory_ = UniqueFd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!file.directory_) return cannot(errno);
  // Tried now, lest the first word of a read-only file system is a warning at the first drop.
  const UniqueFd spare(::openat(file.directory_.get(), file.spare_name_.c_str(),
                                O_WRONLY | O_CREAT | kOurs, kOwnerOnly));
  if (!spare || ::unlinkat(file.directory_.get(), file.spare_name_.c_str(), 0) != 0)
    return cannot(errno);
  return file;
}

Result<std::optional<StoredState>> StateFile::load() const {
  const auto cannot = [&](const std::string& why) {
    return fail("What was kept in " + path_ + " is not used: " + why + ".");
  };
  const UniqueFd file(::openat(directory_.get(), name_.c_str(), O_RDONLY | kOurs));
  if (!file && errno == ENOENT) return std::optional<StoredState>();
  if (!file) return cannot(std::strerror(errno));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode))
    return cannot("it is not a regular file");
  std::string text;
  constexpr std::size_t kMost = kMaxPosition + kMaxState + 128;
  if (!read_all(file.get(), static_cast<std::size_t>(status.st_size), kMost, text))
    return cannot(std::strerror(errno));
  std::optional<StoredState> stored = parse(text, kind_);
  if (!stored) return cannot("it is damaged, of another version, or another program's");
  stored->stored_at = modified_at(status);
  return stored;
}

Result<> StateFile::store(std::string_view position, std::string_view state) {
  const auto cannot = [&](int error) {
    return fail("Cannot write " + path_ + ": " + std::strerror(error) +
                    ". A restart will go on from what was written last.",
                Exit::kFailure, error);
  };
  if (position.size() > kMaxPosition || state.size() > kMaxState) return cannot(EFBIG);
  const UniqueFd file(::openat(directory_.get(), spare_name_.c_str(),
                               O_WRONLY | O_CREAT | O_TRUNC | kOurs, kOwnerOnly));
  if (!file || !write_all(file.get(), heading(kind_, position, state)) ||
      !write_all(file.get(), position) || !write_all(file.get(), state) ||
      ::renameat(directory_.get(), spare_name_.c_str(), directory_.get(), name_.c_str()) != 0)
    return cannot(errno);
  return {};
}

}  // namespace kube_nflog
