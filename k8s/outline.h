// SPDX-License-Identifier: Apache-2.0
// outline: a drop in one line, for the log, when there is no Event to tell it. Pure. Used by
// deliver.
#pragma once

#include <string>

#include "core/drop.h"

namespace kube_nflog {

// `10.1.2.3 > 192.0.2.1 on port 8080/TCP, in eth0, out cali-a: by rule "x"`, as far as known.
std::string outline(const DropSummary& drop);

}  // namespace kube_nflog
