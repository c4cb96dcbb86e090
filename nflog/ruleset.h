// SPDX-License-Identifier: Apache-2.0
// Reads this network namespace's firewall rules, of nf_tables (nft, iptables-nft) and of legacy
// iptables, from the kernel itself: an image needs no tools. Changes nothing; to be asked, the
// kernel may load nf_tables. Used by nflog/check_node and nflog/open_source.
#pragma once

#include <cstddef>

#include "core/clock.h"
#include "core/error.h"
#include "nflog/rule_survey.h"

namespace kube_nflog {

struct RulesetLimits {
  SteadyTime until = SteadyTime::max();
  std::size_t table_bytes = 256U << 20;  // of a legacy table, read whole; kube-proxy's have 20 MiB
};

// Adds every rule to `out`. kNoPermission without CAP_NET_ADMIN; other errors: what was read until
// then is in `out`. A kernel without one kind of rules is no error: it has none.
Result<> read_ruleset(RuleSurvey& out, const RulesetLimits& limits = {});

}  // namespace kube_nflog
