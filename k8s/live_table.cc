// SPDX-License-Identifier: Apache-2.0
#include "k8s/live_table.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/ip.h"
#include "k8s/rfc3339.h"

namespace kube_nflog {
namespace {

constexpr std::string_view kBold = "\x1b[1m", kCauseColour = "\x1b[33m", kPlain = "\x1b[0m",
                           kEraseLine = "\x1b[K", kEllipsis = "…";
constexpr std::size_t kLeastColumns = 60;  // a narrower screen wraps

bool begins_character(char c) { return (c & '\xc0') != '\x80'; }

// Characters, each of which is one column wide: names, addresses and rules are such.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins_character));
}

std::string_view first(std::string_view text, std::size_t characters) {
  std::size_t end = 0;
  for (std::size_t seen = 0; end < text.size(); ++end)
    if (begins_character(text[end]) && ++seen > characters) break;
  return text.substr(0, end);
}

// Of at most `width`; an address is cut in the middle, since both its ends tell something.
std::string fit(std::string_view text, std::size_t width) {
  if (width_of(text) <= width) return std::string(text);
  const std::size_t kept = width - 1;
  if (!IpAddr::parse(text)) return std::string(first(text, kept)).append(kEllipsis);
  const std::size_t tail = kept / 2;
  return std::string(text.substr(0, kept - tail)).append(kEllipsis) +=
         text.substr(text.size() - tail);
}

// The line's columns; the last takes what is left.
struct Widths {
  static constexpr std::size_t kTime = 8, kCount = 7, kWay = 4, kPort = 12;
  std::size_t pod, peer, cause;

  explicit Widths(std::size_t columns) {
    constexpr std::size_t kFixed = kTime + kCount + kWay + kPort + 2 + 2 + 1 + 1 + 2;  // with gaps
    const std::size_t room = std::max(columns, kLeastColumns) - kFixed;
    pod = room * 36 / 100;
    peer = room * 34 / 100;
    cause = room - pod - peer;
  }
};

using Cells = std::array<std::string, 7>;  // time, count, Pod, way, peer, port, cause

std::string line_of(const Cells& cells, const Screen& screen, bool is_header) {
  const Widths widths(screen.columns);
  std::string out;
  const auto put = [&out](std::string_view text, std::size_t width, std::size_t gap, bool right) {
    const std::string fitted = fit(text, width);
    const std::string pad(width - width_of(fitted), ' ');
    out += (right ? pad + fitted : fitted + pad) + std::string(gap, ' ');
  };
  if (is_header && screen.colour) out += kBold;
  put(cells[0], Widths::kTime, 0, false);
  put(cells[1], Widths::kCount + 1, 2, true);
  put(cells[2], widths.pod, 1, false);
  put(cells[3], Widths::kWay, 1, false);
  put(cells[4], widths.peer, 2, false);
  put(cells[5], Widths::kPort, 1, false);
  const bool coloured = !is_header && screen.colour && !cells[6].empty();
  if (coloured) out += kCauseColour;
  out += fit(cells[6], widths.cause);
  if (coloured || (is_header && screen.colour)) out += kPlain;
  out.erase(out.find_last_not_of(' ') + 1);
  return out;
}

std::string peer_of(const EventSubject& subject, const EventRecord& record) {
  const PeerCount peers = record.all_peers();
  if (subject.shared && peers.addresses > 1)
    return std::to_string(peers.addresses) + (peers.complete ? "" : "+") + " addresses";
  return subject.peer_name.empty() ? subject.peer_ip : subject.peer_name;
}

std::string port_of(const EventSubject& subject) {
  if (subject.port) return std::to_string(*subject.port) + '/' + subject.protocol;
  return subject.icmp.empty() ? subject.protocol : subject.icmp;
}

// `denied by NetworkPolicy shop/x` without the words that every line would have.
std::string_view cause_of(const EventSubject& subject) {
  std::string_view cause = subject.cause;
  for (const std::string_view begin :
       {"denied by NetworkPolicy ", "denied by ", "denied ", "by "}) {
    if (!cause.starts_with(begin)) continue;
    cause.remove_prefix(begin.size());
    break;
  }
  return cause;
}

}  // namespace

std::string live_header(const Screen& screen) {
  return line_of({"LAST", "COUNT", "POD", "", "PEER", "PORT", "CAUSE"}, screen, true);
}

std::string live_row(const EventSubject& subject, const EventRecord& record, const Screen& screen) {
  const std::string time = to_rfc3339(record.last);  // 2026-08-22T10:01:12Z
  return line_of({time.substr(11, Widths::kTime), std::to_string(record.count()),
                  subject.pod.ns + '/' + subject.pod.name,
                  subject.direction == Direction::kReceiving ? "from" : "to",
                  peer_of(subject, record), port_of(subject), std::string(cause_of(subject))},
                 screen, false);
}

std::string LiveTable::show(const EventSubject& subject, const EventRecord& record,
                            const Screen& screen) {
  // What others wrote has moved our lines, and another width has wrapped them anew.
  if (screen.columns != screen_.columns || screen.rows != screen_.rows ||
      screen.lines_of_others != screen_.lines_of_others || screen.columns < kLeastColumns) {
    lines_.clear();
  }
  screen_ = screen;
  const std::string row = live_row(subject, record, screen);
  const auto at = std::find(lines_.begin(), lines_.end(), subject.key);
  if (at != lines_.end()) {
    const std::string up = std::to_string(lines_.end() - at);
    return "\x1b[" + up + "A\r" + std::string(kEraseLine) + row + "\x1b[" + up + "B\r";
  }
  lines_.push_back(subject.key);
  while (lines_.size() + 1 > screen.rows) lines_.pop_front();  // the cursor has a row of its own
  const std::string header =
      std::exchange(header_due_, false) ? live_header(screen) + '\n' : std::string();
  return header + row + '\n';
}

}  // namespace kube_nflog
