// SPDX-License-Identifier: Apache-2.0
// LineBuffer: cuts a stream of bytes into lines, in fixed memory. Used by nflog/file_follower.
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
  static constexpr std::size_t kMaxLine =
      8192;  // the kernel's are at most 1019, with a header before

  // The next whole line without its newline, valid until room(); nothing: more bytes are needed.
  std::optional<std::string_view> next();
  // The last line though no newline ends it, and an empty buffer after it.
  std::optional<std::string_view> rest();

  // Where to put the next bytes, at least kMaxLine; then say how many came. Only after next() had
  // nothing.
  std::span<char> room();
  void filled(std::size_t bytes) { end_ += bytes; }
  void clear();

  // Lines skipped for being longer than kMaxLine, since the last call.
  std::uint64_t take_overlong() { return std::exchange(overlong_, 0); }

 private:
  std::vector<char> buffer_ = std::vector<char>(std::size_t{256} * 1024);
  std::size_t begin_ = 0, end_ = 0;
  bool skipping_ = false;  // inside an overlong line
  std::uint64_t overlong_ = 0;
};

}  // namespace kube_nflog
