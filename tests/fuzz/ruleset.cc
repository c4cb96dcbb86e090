// SPDX-License-Identifier: Apache-2.0
// Fuzz target: any bytes in place of the kernel's rules, nf_tables' or legacy iptables', end, stay
// in bounds, and are judged in clean text.
#include <cstdint>
#include <cstdlib>

#include "nflog/iptables_table.h"
#include "nflog/nft_rule.h"
#include "nflog/rule_survey.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kube_nflog;
  const Bytes bytes = std::as_bytes(std::span(data, size));
  RuleSurvey survey;
  NftRuleReader reader(bytes);
  for (NftRuleReader::Item item; (item = reader.next()) != NftRuleReader::Item::kEnd;) {
    if (item == NftRuleReader::Item::kRule) survey.add(reader.rule());
  }
  for (const IptablesFamily family : {IptablesFamily::kIpv4, IptablesFamily::kIpv6}) {
    Cursor entries(bytes);
    std::string_view chain;
    LoggingRule rule;
    while (take_iptables_rule(family, entries, chain, rule)) survey.add(rule);
  }
  const Reads reads{.groups = {100}, .kernel_log = true};
  const std::string text = print(survey.judge(reads, [](std::uint16_t) { return ""; }), false);
  for (const char c : text) {
    if (c != '\n' && (c < ' ' || c > '~')) std::abort();
  }
  return 0;
}
