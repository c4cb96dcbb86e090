// SPDX-License-Identifier: Apache-2.0
#include "nflog/log_header.h"

#include <algorithm>

namespace kube_nflog {
namespace {

constexpr std::string_view kTag = "kernel: ";
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
  if (!text.starts_with("kern.") && !text.starts_with("user.")) return;
  const std::size_t end = text.find(' ');
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

}  // namespace

LogHeader read_log_header(std::string_view text) {
  skip_priority(text);
  const std::string_view dated = text;
  LogHeader header{take_date_time(text), {}};
  // `dmesg --time-format=iso` writes no host; its comma is nobody else's.
  const std::string_view date = dated.substr(0, dated.size() - text.size());
  const bool has_host = header.time && date.find(',') == std::string_view::npos;
  if (has_host && !text.starts_with(kTag)) skip_host(text);
  skip_facility(text);
  if (!skip(text, kTag) && has_host && skip(text, kTag5424)) skip_spaces(text);  // rsyslog has two
  const WrittenTime uptime = take_bracketed_time(text);
  if (uptime && !header.time) skip_host_and_tag(text);
  if (!header.time) header.time = uptime;
  header.rest = text;
  return header;
}

}  // namespace kube_nflog
