// SPDX-License-Identifier: Apache-2.0
#include "nflog/iptables_table.h"

#include <linux/netfilter/x_tables.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include <cstddef>
#include <cstdint>

#include "nflog/attribute.h"
#include "nflog/nft_rule.h"

namespace kube_nflog {
namespace {

// An entry: what it matches, further matches, and from target_offset on its one target.
template <class Entry>
bool take_rule(Cursor& entries, std::string_view& chain, LoggingRule& out) {
  for (;;) {
    const auto entry = head<sizeof(Entry)>(entries.rest());
    if (!entry) return false;
    const std::size_t target =
        entry.template native<std::uint16_t, offsetof(Entry, target_offset)>();
    const std::size_t next = entry.template native<std::uint16_t, offsetof(Entry, next_offset)>();
    Bytes whole;
    if (next < sizeof(Entry) || target > next || !entries.take(next, whole)) return false;
    Cursor rest(whole.subspan(target));
    const auto header = rest.take<sizeof(xt_entry_target)>();
    if (!header) return false;
    const std::string_view name =
        text_in(header.template part<offsetof(xt_entry_target, u.user.name),
                                     sizeof(xt_entry_target::u.user.name)>());
    if (name == XT_ERROR_TARGET) {  // begins a user's chain, or ends the table
      chain = text_in(rest.rest());
      continue;
    }
    out = LoggingRule();
    out.chain = chain;
    read_xt_target(name, rest.rest(), out);
    return true;
  }
}

}  // namespace

bool take_iptables_rule(IptablesFamily family, Cursor& entries, std::string_view& chain,
                        LoggingRule& out) {
  return family == IptablesFamily::kIpv4 ? take_rule<ipt_entry>(entries, chain, out)
                                         : take_rule<ip6t_entry>(entries, chain, out);
}

}  // namespace kube_nflog
