// SPDX-License-Identifier: Apache-2.0
// Reading numbers and words out of text that others wrote. Pure. Used by verdict, group_holder,
// log_line.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace kube_nflog {

inline constexpr std::string_view kSpace = " \t\r\n\v\f";

// Without the white space around it.
inline std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// The decimal number that `text` is, whole and in range of T.
template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace kube_nflog
