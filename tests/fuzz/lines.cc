// SPDX-License-Identifier: Apache-2.0
// Fuzz target: bytes that come in pieces of any size make the same lines as all at once.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "nflog/line_buffer.h"

namespace {

// The lines, joined; the buffer gets at most `piece` bytes at a time.
std::string lines_of(std::string_view text, std::size_t piece) {
  kube_nflog::LineBuffer buffer;
  std::string out;
  while (!text.empty()) {
    const std::span<char> room = buffer.room();
    const std::size_t n = std::min({piece, room.size(), text.size()});
    if (n == 0) std::abort();
    std::copy_n(text.begin(), n, room.begin());
    text.remove_prefix(n);
    buffer.filled(n);
    while (const auto line = buffer.next()) {
      if (line->size() > kube_nflog::LineBuffer::kMaxLine) std::abort();
      (out += *line) += '\n';
    }
  }
  return out + std::to_string(buffer.take_overlong());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // Each byte becomes many, so that small inputs reach the limit.
  std::string text;
  for (const std::uint8_t byte : std::span(data + 1, size - 1)) {
    if (text.size() > 65'536) break;
    text.append(byte < 200 ? 1 : std::size_t{37} * byte, byte == '\n' || byte > 250 ? '\n' : 'x');
  }
  if (lines_of(text, 61 + std::size_t{31} * data[0]) != lines_of(text, SIZE_MAX)) std::abort();
  return 0;
}
