// SPDX-License-Identifier: Apache-2.0
// LiveTable: what --format=text looks like to a person at a terminal: one line an Event, as wide as
// the screen, whose count is updated where it stands. Makes text, writes nothing. Used by
// stdout_sink, on the deliver thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "k8s/event.h"

namespace kube_nflog {

// The terminal as of now.
struct Screen {
  std::size_t columns = 80, rows = 24;
  bool colour = false;
  std::uint64_t lines_of_others = 0;  // that were ever written there; our log's, mostly
};

class LiveTable {
 public:
  // What to send to the terminal to show this Event: a line in place of its old one, as long as
  // that is on the screen and nothing else has moved it; else a new line at the end.
  std::string show(const EventSubject& subject, const EventRecord& record, const Screen& screen);

 private:
  Screen screen_;
  bool header_due_ = true;
  std::deque<std::uint64_t>
      lines_;  // keys of the lines that are on the screen, the last at the back
};

// For LiveTable and its tests. Pure.
std::string live_header(const Screen& screen);
std::string live_row(const EventSubject& subject, const EventRecord& record, const Screen& screen);

}  // namespace kube_nflog
