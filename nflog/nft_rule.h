// SPDX-License-Identifier: Apache-2.0
// From one datagram of an nf_tables dump to the rules in it: what nft wrote, and what iptables-nft
// did. Pure, no allocation, never reads outside the datagram. Used by nflog/ruleset. Wire format:
// linux/netfilter/nf_tables.h, and for iptables' own targets linux/netfilter/xt_NFLOG.h, xt_LOG.h.
#pragma once

#include "nflog/cursor.h"
#include "nflog/logging_rule.h"

namespace kube_nflog {

class NftRuleReader {
 public:
  enum class Item {
    kRule,
    kDone,     // of the dump: all was told
    kPartial,  // the dump ended early, or rules changed meanwhile and some may be missing
    kEnd,      // of the datagram
  };

  explicit NftRuleReader(Bytes datagram) : cursor_(datagram) {}

  // The next item. Other messages, and damaged ones, are passed over.
  Item next();
  const LoggingRule& rule() const { return rule_; }  // after kRule
  int error() const { return error_; }               // after kPartial: errno, or 0

 private:
  Cursor cursor_;
  LoggingRule rule_;
  int error_ = 0;
};

// What an iptables target does, by the name and the data that the kernel's xtables have for it.
void read_xt_target(std::string_view name, Bytes data, LoggingRule& out);

}  // namespace kube_nflog
