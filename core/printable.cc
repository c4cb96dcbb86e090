// SPDX-License-Identifier: Apache-2.0
#include "core/printable.h"

#include <algorithm>
#include <cstdint>

namespace kube_nflog {
namespace {

// The bytes of the well-formed UTF-8 sequence that `text` begins with, 0 if there is none (Unicode
// table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF).
std::size_t sequence_length(std::string_view text, std::uint32_t& code) {
  const auto byte = [&](std::size_t i) -> std::uint32_t {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const std::uint32_t lead = byte(0);
  const std::size_t length = lead < 0x80   ? 1
                             : lead < 0xc2 ? 0
                             : lead < 0xe0 ? 2
                             : lead < 0xf0 ? 3
                                           : 4;
  if (length == 0 || lead > 0xf4) return 0;
  code = length == 1 ? lead : lead & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3f);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  return overlong || surrogate || code > 0x10ffff ? 0 : length;
}

// Characters that act on a terminal or a viewer instead of being seen.
bool invisible(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2066 && code <= 0x2069);
}

}  // namespace

std::string printable(std::string_view text, std::size_t max_bytes) {
  constexpr std::string_view kEllipsis = "…";
  std::string out;
  std::size_t fits = 0;  // the length of `out` that still has room for the ellipsis
  while (!text.empty()) {
    std::uint32_t code = 0;
    const std::size_t length = sequence_length(text, code);
    if (length == 0 || invisible(code)) {
      out += '?';
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
    if (out.size() > max_bytes) return out.substr(0, fits) += kEllipsis;
    if (out.size() + kEllipsis.size() <= max_bytes) fits = out.size();
  }
  return out;
}

std::string on_one_line(std::string_view text, std::size_t max_bytes) {
  std::string clean(text);
  std::replace_if(
      clean.begin(), clean.end(), [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; }, ' ');
  return printable(clean, max_bytes);
}

std::string json_escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace kube_nflog
