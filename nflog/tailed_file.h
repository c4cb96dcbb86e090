// SPDX-License-Identifier: Apache-2.0
// TailedFile: one open log file, read as it grows, which notices that what it has read was
// replaced. Used by nflog/file_follower and nflog/rotated_files on the ingest thread.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/error.h"
#include "core/unique_fd.h"
#include "nflog/file_position.h"

namespace kube_nflog {

class TailedFile {
 public:
  struct Chunk {
    std::size_t bytes = 0;   // 0: at the end
    bool rewritten = false;  // truncated, however much was written since: nothing was read
  };

  // At its start. kNoInput: no such regular file, or not readable; `code` is errno.
  static Result<TailedFile> open(const std::string& path);

  // The next bytes. What was read last is read again by the same call and compared, since a log
  // that is truncated and written on may be longer than before when we look.
  Result<Chunk> read(std::span<char> room);

  // False, and nothing is changed: the file is shorter than that.
  bool seek(off_t offset);
  // Whether this is the file of `position`, or a copy of it. With an offset of 0 there is only the
  // inode to go by.
  bool holds(const FilePosition& position) const;
  // `held` bytes before where the next read begins.
  FilePosition position(std::size_t held = 0) const;
  // Past the hole that a writer without O_APPEND leaves in a file that was truncated.
  void restart();

  int fd() const { return file_.get(); }
  std::uint64_t offset() const { return static_cast<std::uint64_t>(offset_); }
  bool is(const struct stat& status) const {
    return status.st_dev == device_ && status.st_ino == inode_;
  }
  bool is(const TailedFile& other) const {
    return device_ == other.device_ && inode_ == other.inode_;
  }
  struct stat status() const;
  // Whether the byte before the next one ends a line, or a hole; true at the start.
  bool at_line_start() const {
    return tail_size_ == 0 || tail_[tail_size_ - 1] == '\n' || tail_[tail_size_ - 1] == '\0';
  }

 private:
  using Tail = std::array<char, FilePosition::kTail>;

  std::span<char> read_tail(off_t offset, Tail& tail) const;
  void remember(std::span<const char> bytes);

  UniqueFd file_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  off_t offset_ = 0;
  Tail tail_{};  // the last bytes before offset_
  std::size_t tail_size_ = 0;
};

}  // namespace kube_nflog
