// SPDX-License-Identifier: Apache-2.0
// Gives up the capabilities that only binding needed. Capabilities belong to a thread and are
// inherited by those it makes: main() calls this once the source is open, then for good once the
// ingest thread has started, which alone may need one still; nflog_source when it has all it
// wanted.
#pragma once

#include "core/error.h"

namespace kube_nflog {

enum class Keep {
  kNothing,    // reading NFLOG needs none
  kReadFiles,  // CAP_DAC_READ_SEARCH, if held: a rotated log is opened anew, and may belong to
               // syslog
  kNetAdmin,   // CAP_NET_ADMIN, if held: a group that another process holds is to be bound later
};

// Of the calling thread. No capability of ours can come back: the bounding set is emptied where we
// may, and exec gains nothing (PR_SET_NO_NEW_PRIVS). Final.
Result<> drop_capabilities(Keep keep);

// Whether the calling thread has CAP_NET_ADMIN in effect. Where it counts, only the kernel's answer
// tells.
bool holds_net_admin();

}  // namespace kube_nflog
