// SPDX-License-Identifier: Apache-2.0
// --check, this node's half: kernel, capability, NFLOG groups, logs, the directory of positions,
// and what the firewall's rules will let us see. Changes nothing and takes nothing from an agent
// that runs: of a group that nobody holds, a bind is tried and undone. Called by main().
#pragma once

#include "core/check.h"
#include "core/options.h"

namespace kube_nflog {

Findings check_node(const Options& options);

}  // namespace kube_nflog
