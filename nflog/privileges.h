// SPDX-License-Identifier: Apache-2.0
// Gives up the capabilities that only binding needed. Called by main() after the source is open and
// before threads start: capabilities belong to a thread and are inherited by those it makes.
#pragma once

#include "core/error.h"

namespace kube_nflog {

enum class Keep {
  kNothing,    // reading NFLOG needs none
  kReadFiles,  // CAP_DAC_READ_SEARCH, if held: a rotated log is opened anew, and may belong to
               // syslog
};

// No capability of ours can come back: the bounding set is emptied where we may, and exec gains
// nothing (PR_SET_NO_NEW_PRIVS). Final.
Result<> drop_capabilities(Keep keep);

}  // namespace kube_nflog
