// SPDX-License-Identifier: Apache-2.0
// One rule of the node's firewall, as far as --check looks at it. Made by nflog/nft_rule and
// nflog/iptables_table, counted by nflog/rule_survey.
#pragma once

#include <cstdint>
#include <string_view>

namespace kube_nflog {

// The views are of whatever the rule was read from: other people's bytes.
struct LoggingRule {
  enum class To : std::uint8_t { kNowhere, kNflogGroup, kKernelLog };

  std::string_view table, chain;
  To to = To::kNowhere;
  std::uint16_t group = 0;
  std::string_view prefix;
};

}  // namespace kube_nflog
