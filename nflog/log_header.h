// SPDX-License-Identifier: Apache-2.0
// What log daemons put before the kernel's words: priority, time, host, tag, uptime. Pure. Used by
// nflog/log_line.
#pragma once

#include <string_view>

#include "nflog/log_time.h"

namespace kube_nflog {

struct LogHeader {
  WrittenTime time;       // the daemon's, else the kernel's
  std::string_view rest;  // what follows: the rule's prefix
};

// Recognised as far as it goes: `<4>`, a time, a host, busybox' `kern.warn`, the tag `kernel:`, and
// the kernel's own time, in this order, each of them optional. A host stands behind a time only,
// and ends with no colon. Or, as journalctl has it, the kernel's time, then host and tag. A time of
// a form that is not known ends at the tag. Of several with date and tag the last counts: its
// writer went on where another was stopped in the middle of a line.
LogHeader read_log_header(std::string_view text);

// Where `torn` is what is left of a line, from its fields on, and behind it the header and prefix
// of the next: that header, in whatever form, else what follows the last field.
LogHeader read_header_behind(std::string_view torn);

}  // namespace kube_nflog
