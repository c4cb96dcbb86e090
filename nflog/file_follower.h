// SPDX-License-Identifier: Apache-2.0
// FileFollower: the lines that are appended to a log file, through its rotations. Used by
// nflog/file_source on the ingest thread.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "core/error.h"
#include "nflog/file_position.h"
#include "nflog/file_watch.h"
#include "nflog/line_buffer.h"
#include "nflog/tailed_file.h"

namespace kube_nflog {

struct FollowOptions {
  std::string path{};
  std::string_view mark{};             // only lines with it are of interest; lives on
  std::optional<FilePosition> from{};  // go on there; nothing: at the end
  SystemTime saved{};                  // when `from` was
  bool wait = false;                   // when there is no such file yet
};

// A file that was renamed or deleted is read on until another one stands at the path and has its
// first bytes, or had them and was rotated away in turn: a writer that reopens late still adds to
// the old one. Of a file that was truncated the rest is read from the copy that the rotation made,
// if there is one, then the file from its start.
class FileFollower {
 public:
  // A line that has begun and does not go on for so long is given up.
  static constexpr std::chrono::seconds kLineTime{60};

  // kNoInput: no such regular file, or not readable.
  static Result<FileFollower> open(FollowOptions options, FileWatch watch = {});

  // inotify: readable when something may have changed. -1: due() alone tells.
  int fd() const { return watch_.fd(); }
  // When to look although fd() is silent.
  SteadyTime due() const { return due_; }
  // Call at each wake-up, before the others.
  void look(SteadyTime now);

  // The next line that was read, valid until fill().
  std::optional<std::string_view> next_line() { return lines_.next(); }
  // Reads on, once next_line() has nothing. False: there is no more at present.
  Result<bool> fill();

  // After the last line that was handed out. Nothing: there is no file yet, or the next line is
  // still of the one before.
  std::optional<FilePosition> position() const;
  bool has_file() const { return file_.has_value(); }
  // Whether what `from` names was found, and is being read on.
  bool resumed() const { return resumed_; }
  // Lines of interest that could not be handed out, since the last call.
  std::uint64_t take_skipped() { return lines_.take_skipped(); }
  // How often what was written last may be lost, since the last call: the file was truncated, and
  // there is no copy of it.
  std::uint64_t take_truncations() { return std::exchange(truncations_, 0); }

 private:
  FileFollower(FollowOptions options, FileWatch watch);
  Result<> start();
  void start_at_end(TailedFile file);
  bool resume(const FilePosition& from);
  bool read_first(std::vector<TailedFile> files);
  void take_next();
  Result<bool> fill_from_new_file();
  bool recover();
  bool move_on();
  bool successor_has_begun();
  bool others_came_and_went();

  std::string path_;
  std::optional<FilePosition> from_;
  SystemTime saved_;
  bool wait_;
  bool resumed_ = false;
  FileWatch watch_;
  std::optional<TailedFile> file_;
  std::deque<TailedFile> later_;  // complete but for the last: to be read after file_, in order
  bool missed_ = false;           // others came and went since file_
  LineBuffer lines_;
  SteadyTime now_{}, grown_{}, due_{}, look_beside_{};
  std::uint64_t truncations_ = 0;
};

}  // namespace kube_nflog
