// SPDX-License-Identifier: Apache-2.0
#include "nflog/tailed_file.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace kube_nflog {
namespace {

std::string_view text(std::span<const char> bytes) { return {bytes.data(), bytes.size()}; }

}  // namespace

Result<TailedFile> TailedFile::open(const std::string& path) {
  TailedFile opened;
  // O_NONBLOCK: a FIFO at this path must not hold up the start.
  opened.file_ = UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (!opened.file_ || ::fstat(opened.fd(), &status) != 0) {
    return fail("Cannot read the log file " + path + ": " + std::strerror(errno) + ".",
                Exit::kNoInput, errno);
  }
  if (!S_ISREG(status.st_mode)) {
    return fail("Cannot follow " + path + ": it is not a regular file.", Exit::kNoInput);
  }
  opened.device_ = status.st_dev;
  opened.inode_ = status.st_ino;
  return opened;
}

struct stat TailedFile::status() const {
  struct stat status {};
  ::fstat(fd(), &status);
  return status;
}

Result<TailedFile::Chunk> TailedFile::read(std::span<char> room) {
  Tail again;
  const std::array<iovec, 2> parts{{{again.data(), tail_size_}, {room.data(), room.size()}}};
  const ssize_t got = ::preadv(fd(), parts.data(), static_cast<int>(parts.size()),
                               offset_ - static_cast<off_t>(tail_size_));
  if (got < 0) {
    return fail(std::string("Cannot read the log file: ") + std::strerror(errno) + ".",
                Exit::kNoInput, errno);
  }
  const std::size_t bytes = static_cast<std::size_t>(got);
  if (bytes < tail_size_ || !std::equal(again.begin(), again.begin() + tail_size_, tail_.begin()))
    return Chunk{.rewritten = true};
  const std::span<const char> read = room.first(bytes - tail_size_);
  remember(read);
  return Chunk{.bytes = read.size()};
}

void TailedFile::remember(std::span<const char> bytes) {
  offset_ += static_cast<off_t>(bytes.size());
  bytes = bytes.last(std::min(bytes.size(), tail_.size()));
  const std::size_t kept = std::min(tail_size_, tail_.size() - bytes.size());
  std::copy(tail_.begin() + (tail_size_ - kept), tail_.begin() + tail_size_, tail_.begin());
  std::copy(bytes.begin(), bytes.end(), tail_.begin() + kept);
  tail_size_ = kept + bytes.size();
}

// The bytes before `offset`; less than there should be: the file is shorter, or cannot be read.
std::span<char> TailedFile::read_tail(off_t offset, Tail& tail) const {
  const off_t size = std::min(offset, static_cast<off_t>(tail.size()));
  const ssize_t got = ::pread(fd(), tail.data(), static_cast<std::size_t>(size), offset - size);
  return std::span(tail).first(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
}

bool TailedFile::seek(off_t offset) {
  Tail tail;
  const std::span<char> read = read_tail(offset, tail);
  if (static_cast<off_t>(read.size()) < std::min(offset, static_cast<off_t>(tail.size())))
    return false;
  tail_ = tail;
  tail_size_ = read.size();
  offset_ = offset;
  return true;
}

bool TailedFile::holds(const FilePosition& position) const {
  if (position.offset == 0) return position.device == device_ && position.inode == inode_;
  Tail tail;
  const std::size_t size = std::min<std::uint64_t>(position.offset, tail.size());
  const std::span<char> read = read_tail(static_cast<off_t>(position.offset), tail);
  return read.size() == size && FilePosition::hash(text(read)) == position.tail_hash;
}

FilePosition TailedFile::position(std::size_t held) const {
  FilePosition position{.device = device_, .inode = inode_};
  if (held == 0) {
    position.offset = static_cast<std::uint64_t>(offset_);
    position.tail_hash = FilePosition::hash(text(std::span(tail_).first(tail_size_)));
  } else {
    Tail tail;
    const off_t offset = offset_ - static_cast<off_t>(held);
    position.offset = static_cast<std::uint64_t>(offset);
    position.tail_hash = FilePosition::hash(text(read_tail(offset, tail)));
  }
  return position;
}

void TailedFile::restart() {
  // -1: empty. A file system that knows no holes says 0.
  if (!seek(std::max<off_t>(::lseek(fd(), 0, SEEK_DATA), 0))) seek(0);
}

}  // namespace kube_nflog
