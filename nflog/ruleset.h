// SPDX-License-Identifier: Apache-2.0
// Reads this network namespace's firewall rules, of nf_tables (nft, iptables-nft) and of legacy
// iptables, from the kernel itself: an image needs no tools. Changes nothing, and loads no module.
// Used by nflog/check_node.
#pragma once

#include "core/error.h"
#include "nflog/rule_survey.h"

namespace kube_nflog {

// Adds every rule to `out`. kNoPermission without CAP_NET_ADMIN; other errors: what was read until
// then is in `out`. A kernel without one kind of rules is no error: it has none.
Result<> read_ruleset(RuleSurvey& out);

}  // namespace kube_nflog
