// SPDX-License-Identifier: Apache-2.0
#include "nflog/log_header.h"

#include <algorithm>
#include <optional>

namespace kube_nflog {
namespace {

constexpr std::string_view kTag = "kernel: ";
constexpr std::string_view kTagBehind = " kernel: ";
constexpr std::string_view kTag5424 = "kernel - - - ";

bool skip(std::string_view& text, std::string_view start) {
  if (!text.starts_with(start)) return false;
  text.remove_prefix(start.size());
  return true;
}

// `<4>`, and the version behind it if that is RFC 5424's.
void skip_priority(std::string_view& text) {
  constexpr std::size_t kMostDigits = 3;
  if (!text.starts_with('<')) return;
  const std::size_t end = text.find_first_not_of("0123456789", 1);
  if (end == std::string_view::npos || text[end] != '>') return;
  if (end == 1 || end - 1 > kMostDigits) return;
  text.remove_prefix(end + 1);
  skip(text, "1 ");
}

void skip_spaces(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
}

void skip_host(std::string_view& text) {
  const std::size_t end = text.find(' ');
  if (end == 0 || end == std::string_view::npos || text[end - 1] == ':' || text[0] == '[') return;
  text.remove_prefix(end + 1);
  skip_spaces(text);
}

// `kern.warn` or, from its klogd's clients, `user.warn`; only where the tag follows, since a prefix
// may be anything.
void skip_facility(std::string_view& text) {
  constexpr std::size_t kLongest = 16;
  if (!text.starts_with("kern.") && !text.starts_with("user.")) return;
  const std::size_t end = text.substr(0, kLongest).find(' ');
  if (end != std::string_view::npos && text.substr(end + 1).starts_with(kTag))
    text.remove_prefix(end + 1);
}

// `node-1 kernel: ` behind the uptime: of journalctl -o short-monotonic. Not without the tag, since
// the kernel's own lines have the prefix there.
void skip_host_and_tag(std::string_view& text) {
  std::string_view rest = text;
  skip_host(rest);
  if (rest.size() < text.size() && skip(rest, kTag)) text = rest;
}

// `CET ` behind a time; only where a host and the tag follow, since it may be the host.
void skip_zone_name(std::string_view& text) {
  const auto is_capital = [](char c) { return c >= 'A' && c <= 'Z'; };
  const std::size_t end = text.find(' ');
  if (end < 3 || end > 6 || !std::all_of(text.begin(), text.begin() + end, is_capital)) return;
  const std::string_view rest = text.substr(end + 1);
  std::string_view tag = rest;
  skip_host(tag);
  if (tag.size() < rest.size() && tag.starts_with(kTag)) text = rest;
}

struct Front {
  LogHeader header;
  bool has_date = false, has_tag = false;
};

Front read_front(std::string_view text) {
  Front front;
  LogHeader& header = front.header;
  skip_priority(text);
  const std::string_view dated = text;
  header.time = take_date_time(text);
  front.has_date = bool{header.time};
  // `dmesg --time-format=iso` writes no host; its comma is nobody else's.
  const std::string_view date = dated.substr(0, dated.size() - text.size());
  const bool has_host = front.has_date && date.find(',') == std::string_view::npos;
  if (has_host && header.time.form == WrittenTime::Form::kLocal) skip_zone_name(text);
  if (has_host && !text.starts_with(kTag)) skip_host(text);
  skip_facility(text);
  front.has_tag = skip(text, kTag);
  if (!front.has_tag && has_host && skip(text, kTag5424)) {
    front.has_tag = true;
    skip_spaces(text);  // rsyslog has two
  }
  const WrittenTime uptime = take_bracketed_time(text);
  if (uptime && !header.time) skip_host_and_tag(text);
  if (!header.time) header.time = uptime;
  header.rest = text;
  return front;
}

// The last one in `text` of which `counts` is true. It is not looked for within another, so the
// cost is that of one for each byte.
template <class Counts>
std::optional<LogHeader> last_header(std::string_view text, Counts counts) {
  constexpr std::size_t kFarthest = 512;  // no prefix and header are so long
  std::optional<LogHeader> last;
  text = text.substr(text.size() - std::min(text.size(), kFarthest));
  while (!text.empty()) {
    const Front front = read_front(text);
    const bool taken = counts(front);
    if (taken) last = front.header;
    text = taken ? front.header.rest : text.substr(1);
  }
  return last;
}

LogHeader behind_tag(std::string_view text, std::size_t tag) {
  text.remove_prefix(tag + kTagBehind.size());
  const WrittenTime uptime = take_bracketed_time(text);
  return {uptime, text};
}

// `16:23`, or a number as long as the seconds since 1970: what every form has.
bool tells_time(std::string_view text) {
  constexpr std::size_t kSecondsSince1970 = 9;
  std::size_t digits = 0;
  bool colon = false;  // the last byte, and a digit before it
  for (const char c : text) {
    const bool digit = c >= '0' && c <= '9';
    if (digit && (colon || digits + 1 >= kSecondsSince1970)) return true;
    colon = c == ':' && digits > 0;
    digits = digit ? digits + 1 : 0;
  }
  return false;
}

}  // namespace

LogHeader read_log_header(std::string_view text) {
  const LogHeader front = read_front(text).header;
  if (front.rest.find("kernel") == std::string_view::npos) return front;  // as good as always
  const auto last = last_header(text, [](const Front& f) { return f.has_date && f.has_tag; });
  if (last) return *last;
  const std::size_t tag = front.rest.find(kTagBehind);
  const bool unknown = !front.time && tag != std::string_view::npos;
  return unknown && tells_time(front.rest.substr(0, tag)) ? behind_tag(front.rest, tag) : front;
}

LogHeader read_header_behind(std::string_view torn) {
  const auto last = last_header(torn, [](const Front& f) { return bool{f.header.time}; });
  if (last) return *last;
  if (const std::size_t tag = torn.find(kTagBehind); tag != std::string_view::npos)
    return behind_tag(torn, tag);
  torn.remove_prefix(torn.rfind('=') + 1);  // there is one: of the field that it begins with
  torn.remove_prefix(std::min(torn.find_first_not_of("0123456789.: "), torn.size()));
  return {{}, torn};
}

}  // namespace kube_nflog
