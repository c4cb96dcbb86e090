// SPDX-License-Identifier: Apache-2.0
#include "k8s/rfc3339.h"

#include <algorithm>
#include <chrono>

namespace kube_nflog {
namespace {

using std::chrono::sys_days;
using std::chrono::year;

void put(std::string& out, unsigned value, int digits, char end) {
  std::string text(static_cast<std::size_t>(digits), '0');
  for (int i = digits - 1; i >= 0; --i, value /= 10) {
    text[static_cast<std::size_t>(i)] = static_cast<char>('0' + value % 10);
  }
  out += text;
  out += end;
}

// Takes `digits` digits and the character after them off the front of `text`.
std::optional<unsigned> take(std::string_view& text, std::size_t digits, std::string_view ends) {
  if (text.size() <= digits) return {};
  unsigned value = 0;
  for (const char c : text.substr(0, digits)) {
    if (c < '0' || c > '9') return {};
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  if (ends.find(text[digits]) == std::string_view::npos) return {};
  text.remove_prefix(digits + 1);
  return value;
}

}  // namespace

std::string to_rfc3339(SystemTime time) {
  using std::chrono::seconds;
  constexpr auto kFirst = std::chrono::sys_seconds{};
  constexpr auto kLast = std::chrono::sys_seconds(sys_days(year(9999) / 12 / 31)) + seconds(86'399);
  const auto when = std::clamp(std::chrono::floor<seconds>(time), kFirst, kLast);
  const auto day = std::chrono::floor<std::chrono::days>(when);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(when - day);
  std::string out;
  put(out, static_cast<unsigned>(static_cast<int>(date.year())), 4, '-');
  put(out, static_cast<unsigned>(date.month()), 2, '-');
  put(out, static_cast<unsigned>(date.day()), 2, 'T');
  put(out, static_cast<unsigned>(clock.hours().count()), 2, ':');
  put(out, static_cast<unsigned>(clock.minutes().count()), 2, ':');
  put(out, static_cast<unsigned>(clock.seconds().count()), 2, 'Z');
  return out;
}

std::optional<SystemTime> parse_rfc3339(std::string_view text) {
  const bool fraction = text.size() > 19 && text[19] == '.';
  const std::optional<unsigned> y = take(text, 4, "-"), mo = take(text, 2, "-"),
                                d = take(text, 2, "T"), h = take(text, 2, ":"),
                                mi = take(text, 2, ":"), s = take(text, 2, ".Z");
  if (!y || !mo || !d || !h || !mi || !s || *h > 23 || *mi > 59 || *s > 59) return {};
  if (fraction) {
    const std::size_t digits = text.find_first_not_of("0123456789");
    if (digits == 0 || digits == std::string_view::npos || text.substr(digits) != "Z") return {};
  } else if (!text.empty()) {
    return {};
  }
  const auto date = year(static_cast<int>(*y)) / static_cast<int>(*mo) / static_cast<int>(*d);
  if (!date.ok()) return {};
  return SystemTime(sys_days(date)) + std::chrono::hours(*h) + std::chrono::minutes(*mi) +
         std::chrono::seconds(*s);
}

}  // namespace kube_nflog
