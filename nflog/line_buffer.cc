// SPDX-License-Identifier: Apache-2.0
#include "nflog/line_buffer.h"

#include <algorithm>
#include <cstring>

namespace kube_nflog {

std::optional<std::string_view> LineBuffer::next() {
  while (begin_ < end_) {
    const char* const first = buffer_.data() + begin_;
    const auto* newline = static_cast<const char*>(std::memchr(first, '\n', end_ - begin_));
    const std::size_t size =
        newline != nullptr ? static_cast<std::size_t>(newline - first) : end_ - begin_;
    if (newline == nullptr && size <= kMaxLine && !skipping_) break;  // may yet end well
    begin_ += size + (newline != nullptr ? 1 : 0);
    const bool known = std::exchange(skipping_, newline == nullptr);
    if (known) continue;  // the tail of one already counted
    if (size <= kMaxLine) return std::string_view(first, size);
    ++overlong_;
  }
  return std::nullopt;
}

std::optional<std::string_view> LineBuffer::rest() {
  const std::string_view line(buffer_.data() + begin_, end_ - begin_);
  clear();
  if (line.empty()) return std::nullopt;
  return line;
}

std::span<char> LineBuffer::room() {
  std::copy(buffer_.data() + begin_, buffer_.data() + end_, buffer_.data());
  end_ -= std::exchange(begin_, 0);
  return std::span(buffer_).subspan(end_);
}

void LineBuffer::clear() {
  begin_ = end_ = 0;
  skipping_ = false;
}

}  // namespace kube_nflog
