// SPDX-License-Identifier: Apache-2.0
#include "nflog/log_header.h"

#include <algorithm>

namespace kube_nflog {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Whether `text` begins like `shape`, where 0 stands for a digit or a space and A for anything.
bool begins_like(std::string_view text, std::string_view shape) {
  if (text.size() < shape.size()) return false;
  return std::equal(shape.begin(), shape.end(), text.begin(), [](char s, char c) {
    return s == 'A' || (s == '0' ? is_digit(c) || c == ' ' : s == c);
  });
}

std::string_view without_word(std::string_view text) {
  text.remove_prefix(std::min(text.find(' '), text.size()));
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return text;
}

std::string_view without_time_and_host(std::string_view text) {
  constexpr std::string_view kRfc3164 = "AAA 00 00:00:00 ";
  if (begins_like(text, kRfc3164)) return without_word(text.substr(kRfc3164.size()));
  if (begins_like(text, "0000-00-00T00:00:00")) return without_word(without_word(text));
  return text;
}

std::string_view without_uptime(std::string_view text) {
  if (!text.starts_with('[')) return text;
  const std::size_t end = text.find(']');
  const std::string_view inside = text.substr(1, end == std::string_view::npos ? 0 : end - 1);
  const bool uptime = !inside.empty() && std::all_of(inside.begin(), inside.end(), [](char c) {
    return is_digit(c) || c == ' ' || c == '.';
  });
  return uptime ? without_word(text.substr(end)) : text;
}

}  // namespace

std::string_view without_header(std::string_view text) {
  constexpr std::string_view kTag = "kernel: ";
  text = without_time_and_host(text);
  if (text.starts_with(kTag)) text.remove_prefix(kTag.size());
  return without_uptime(text);
}

}  // namespace kube_nflog
