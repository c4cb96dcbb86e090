// SPDX-License-Identifier: Apache-2.0
// FileFollower: the lines that are appended to a log file, through its rotations. Used by
// nflog/file_source on the ingest thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.h"
#include "core/unique_fd.h"
#include "nflog/line_buffer.h"

namespace kube_nflog {

// Starts at the end of the file. A file that was renamed or deleted is read on until another one
// stands at the path and has its first bytes: a writer that reopens late still adds to the old one.
// A file that shrank is read from its start.
class FileFollower {
 public:
  // kNoInput: no such regular file, or not readable.
  static Result<FileFollower> open(const std::string& path);

  // inotify: readable when something may have changed.
  int fd() const { return notify_.get(); }
  // Call once when fd() is readable, before next_line().
  void acknowledge();
  // The next line, valid until the next call. Nothing: all that is there was read, and fd() will
  // tell.
  Result<std::optional<std::string_view>> next_line();
  std::uint64_t take_overlong() { return lines_.take_overlong(); }

 private:
  FileFollower() = default;
  Result<> open_file();
  Result<bool> fill();  // false: at the end
  void restart_if_truncated();
  bool successor_has_begun() const;

  std::string path_;
  UniqueFd notify_, file_;
  int file_watch_ = -1;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  off_t offset_ = 0;
  LineBuffer lines_;
};

}  // namespace kube_nflog
