// SPDX-License-Identifier: Apache-2.0
// --check, the cluster's half: the way to the API server, what we may do there, its clock, and
// whether it knows this node by the name that we use. Asks, writes nothing. Called by main().
#pragma once

#include "core/check.h"
#include "core/options.h"

namespace kube_nflog {

// Takes a few seconds at most where nobody answers.
Findings check_cluster(const Options& options);

}  // namespace kube_nflog
