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
// and ends with no colon. Or, as journalctl has it, the kernel's time, then host and tag.
LogHeader read_log_header(std::string_view text);

}  // namespace kube_nflog
