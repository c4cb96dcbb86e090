// SPDX-License-Identifier: Apache-2.0
// LineBuffer: the lines of a stream of bytes that have a certain text in them, in fixed memory.
// What has it not is skipped a buffer at a time. Used by nflog/file_follower.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace kube_nflog {

class LineBuffer {
 public:
  // The kernel's lines are at most 1019 bytes, with a header before them.
  static constexpr std::size_t kMaxLine = 8192;

  // `mark` must outlive this, and is neither empty nor has a newline in it.
  explicit LineBuffer(std::string_view mark) : mark_(mark) {}

  // The next whole line with the mark, without its line end (LF or CRLF) and without NULs before
  // it, valid until room(). Nothing: more bytes are needed.
  std::optional<std::string_view> next();

  // Where to put the next bytes, at least kMaxLine; then say how many came. Only after next() had
  // nothing.
  std::span<char> room();
  void filled(std::size_t bytes) { end_ += bytes; }

  // The bytes that came and are in no line yet: how much of the stream is not consumed.
  std::size_t held() const { return end_ - begin_; }
  // Whether a line has begun that may still be handed out.
  bool has_begun_line() const { return held() > 0 && !skipping_; }
  // A begun line is whole although no newline ends it. Only after next() had nothing.
  void end_line();
  // A begun line, or the one that comes next, will not be handed out.
  void skip_line();
  void clear();

  // Lines with the mark that were skipped, being longer than kMaxLine or by skip_line(), since the
  // last call.
  std::uint64_t take_skipped() { return std::exchange(skipped_, 0); }

 private:
  std::string_view whole_line(std::size_t begin, std::size_t end) const;
  std::optional<std::size_t> find(std::size_t begin, std::size_t end) const;
  bool skip_to_line_end();

  std::string_view mark_;
  std::vector<char> buffer_ = std::vector<char>(std::size_t{256} * 1024);
  std::size_t begin_ = 0, end_ = 0;
  bool skipping_ = false;  // to the end of the present line
  bool counted_ = false;   // that line, in skipped_
  std::uint64_t skipped_ = 0;
};

}  // namespace kube_nflog
