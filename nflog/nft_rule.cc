// SPDX-License-Identifier: Apache-2.0
#include "nflog/nft_rule.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/xt_LOG.h>
#include <linux/netfilter/xt_NFLOG.h>

#include "nflog/attribute.h"
#include "nflog/netlink_message.h"

namespace kube_nflog {
namespace {

constexpr std::uint16_t kNewRule = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE;

// `log`: without a group it writes to the kernel's log.
void read_log(Bytes data, LoggingRule& out) {
  out.to = LoggingRule::To::kKernelLog;
  Cursor attributes(data);
  for (Attribute attribute; take_attribute(attributes, attribute);) {
    if (attribute.type == NFTA_LOG_PREFIX) out.prefix = text_in(attribute.value);
    if (attribute.type != NFTA_LOG_GROUP) continue;
    const auto group = head<sizeof(std::uint16_t)>(attribute.value);
    if (!group) continue;
    out.to = LoggingRule::To::kNflogGroup;
    out.group = group.be<std::uint16_t, 0>();
  }
}

// `target`: what of iptables nf_tables has no expression for; older iptables-nft made LOG and NFLOG
// so.
void read_compat_target(Bytes data, LoggingRule& out) {
  std::string_view name;
  Bytes info;
  Cursor attributes(data);
  for (Attribute attribute; take_attribute(attributes, attribute);) {
    if (attribute.type == NFTA_TARGET_NAME) name = text_in(attribute.value);
    if (attribute.type == NFTA_TARGET_INFO) info = attribute.value;
  }
  read_xt_target(name, info, out);
}

void read_expression(Bytes expression, LoggingRule& out) {
  std::string_view name;
  Bytes data;
  Cursor attributes(expression);
  for (Attribute attribute; take_attribute(attributes, attribute);) {
    if (attribute.type == NFTA_EXPR_NAME) name = text_in(attribute.value);
    if (attribute.type == NFTA_EXPR_DATA) data = attribute.value;
  }
  if (name == "log") read_log(data, out);
  if (name == "target") read_compat_target(data, out);
}

// False: no rule.
bool read_rule(Cursor body, LoggingRule& out) {
  out = {};
  if (!body.take<sizeof(nfgenmsg)>()) return false;
  for (Attribute attribute; take_attribute(body, attribute);) {
    if (attribute.type == NFTA_RULE_TABLE) out.table = text_in(attribute.value);
    if (attribute.type == NFTA_RULE_CHAIN) out.chain = text_in(attribute.value);
    if (attribute.type != NFTA_RULE_EXPRESSIONS) continue;
    Cursor expressions(attribute.value);
    for (Attribute element; take_attribute(expressions, element);) {
      if (element.type == NFTA_LIST_ELEM) read_expression(element.value, out);
    }
  }
  return !out.table.empty() && !out.chain.empty();
}

}  // namespace

void read_xt_target(std::string_view name, Bytes data, LoggingRule& out) {
  if (name == "NFLOG") {
    const auto info = head<sizeof(xt_nflog_info)>(data);
    if (!info) return;
    out.to = LoggingRule::To::kNflogGroup;
    out.group = info.native<std::uint16_t, offsetof(xt_nflog_info, group)>();
    out.prefix =
        text_in(info.part<offsetof(xt_nflog_info, prefix), sizeof(xt_nflog_info::prefix)>());
  } else if (name == "LOG") {
    const auto info = head<sizeof(xt_log_info)>(data);
    if (!info) return;
    out.to = LoggingRule::To::kKernelLog;
    out.prefix = text_in(info.part<offsetof(xt_log_info, prefix), sizeof(xt_log_info::prefix)>());
  }
}

NftRuleReader::Item NftRuleReader::next() {
  NetlinkMessage message;
  while (take_message(cursor_, message)) {
    if (message.is_partial()) {
      error_ = message.error();
      return Item::kPartial;
    }
    if (message.is_last()) return Item::kDone;
    if (message.type == kNewRule && read_rule(Cursor(message.body), rule_)) return Item::kRule;
  }
  cursor_ = Cursor({});
  return Item::kEnd;
}

}  // namespace kube_nflog
