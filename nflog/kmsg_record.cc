// SPDX-License-Identifier: Apache-2.0
#include "nflog/kmsg_record.h"

#include <algorithm>
#include <cstddef>

#include "nflog/text.h"

namespace kube_nflog {
namespace {

// No machine is up for longer; in nanoseconds, too, it stays in range.
constexpr std::chrono::microseconds kLongestUptime = std::chrono::years(100);

// The number before the next comma, which it removes.
template <class T>
std::optional<T> take_number(std::string_view& fields) {
  const std::size_t comma = fields.find(',');
  if (comma == std::string_view::npos) return std::nullopt;
  const std::optional<T> value = number<T>(fields.substr(0, comma));
  fields.remove_prefix(comma + 1);
  return value;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;  // the kernel writes small ones
}

// Undoes `\xHH`, which the kernel makes of what is not printable ASCII, and of the backslash.
std::string_view unescaped(std::span<char> text) {
  auto to = std::find(text.begin(), text.end(), '\\');
  for (auto from = to; from != text.end();) {
    const bool escape = text.end() - from >= 4 && from[0] == '\\' && from[1] == 'x' &&
                        hex_digit(from[2]) >= 0 && hex_digit(from[3]) >= 0;
    *to++ = escape ? static_cast<char>(hex_digit(from[2]) << 4 | hex_digit(from[3])) : *from;
    from += escape ? 4 : 1;
  }
  return {text.data(), static_cast<std::size_t>(to - text.begin())};
}

}  // namespace

std::optional<KmsgRecord> read_kmsg_record(std::span<char> bytes) {
  const std::string_view all(bytes.data(), bytes.size());
  const std::size_t semicolon = all.find(';');
  if (semicolon == std::string_view::npos) return std::nullopt;
  std::string_view fields = all.substr(0, semicolon);
  const auto priority = take_number<std::uint32_t>(fields);
  const auto sequence = take_number<std::uint64_t>(fields);
  const auto uptime = take_number<std::uint64_t>(fields);
  if (!priority || !sequence || !uptime) return std::nullopt;
  if (*uptime > static_cast<std::uint64_t>(kLongestUptime.count())) return std::nullopt;

  KmsgRecord record;
  record.sequence = *sequence;
  record.uptime = std::chrono::microseconds(*uptime);
  record.of_kernel = *priority >> 3 == 0;
  const std::size_t begin = semicolon + 1;
  const std::size_t end = std::min(all.find('\n', begin), all.size());
  record.message = unescaped(bytes.subspan(begin, end - begin));
  return record;
}

}  // namespace kube_nflog
