// SPDX-License-Identifier: Apache-2.0
#include "nflog/line_buffer.h"

#include <algorithm>
#include <cstring>

namespace kube_nflog {

std::optional<std::size_t> LineBuffer::find(std::size_t begin, std::size_t end) const {
  const void* at = ::memmem(buffer_.data() + begin, end - begin, mark_.data(), mark_.size());
  if (at == nullptr) return std::nullopt;
  return static_cast<std::size_t>(static_cast<const char*>(at) - buffer_.data());
}

// NULs: what a writer without O_APPEND leaves before its next line when its file is truncated.
std::string_view LineBuffer::whole_line(std::size_t begin, std::size_t end) const {
  while (begin < end && buffer_[begin] == '\0') ++begin;
  if (begin < end && buffer_[end - 1] == '\r') --end;
  return {buffer_.data() + begin, end - begin};
}

std::optional<std::string_view> LineBuffer::next() {
  while (begin_ < end_) {
    if (skipping_ && !skip_to_line_end()) return std::nullopt;
    const char* const data = buffer_.data();
    const std::size_t found = find(begin_, end_).value_or(end_);
    if (const void* before = ::memrchr(data + begin_, '\n', found - begin_)) {
      begin_ = static_cast<std::size_t>(static_cast<const char*>(before) - data) + 1;
    }
    const void* const newline = std::memchr(data + found, '\n', end_ - found);
    if (newline == nullptr) {  // may yet end well
      if (held() > kMaxLine) skip_line();
      return std::nullopt;
    }
    const std::size_t end = static_cast<std::size_t>(static_cast<const char*>(newline) - data);
    const std::size_t begin = std::exchange(begin_, end + 1);
    if (end - begin <= kMaxLine) return whole_line(begin, end);
    ++skipped_;
  }
  return std::nullopt;
}

// False: it has not ended yet, and of it only as much is kept as the mark may have begun in.
bool LineBuffer::skip_to_line_end() {
  const void* const newline = std::memchr(buffer_.data() + begin_, '\n', held());
  const std::size_t end =
      newline == nullptr
          ? end_
          : static_cast<std::size_t>(static_cast<const char*>(newline) - buffer_.data());
  if (!counted_ && find(begin_, end)) {
    ++skipped_;
    counted_ = true;
  }
  if (newline == nullptr) {
    begin_ = end_ - std::min(held(), mark_.size() - 1);
    return false;
  }
  begin_ = end + 1;
  skipping_ = false;
  return true;
}

void LineBuffer::skip_line() {
  if (!std::exchange(skipping_, true)) counted_ = false;
  skip_to_line_end();
}

std::span<char> LineBuffer::room() {
  std::copy(buffer_.data() + begin_, buffer_.data() + end_, buffer_.data());
  end_ -= std::exchange(begin_, 0);
  return std::span(buffer_).subspan(end_);
}

void LineBuffer::end_line() {
  if (held() == 0 && !skipping_) return;
  room().front() = '\n';
  filled(1);
}

void LineBuffer::clear() {
  begin_ = end_ = 0;
  skipping_ = false;
}

}  // namespace kube_nflog
