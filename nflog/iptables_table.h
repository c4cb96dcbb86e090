// SPDX-License-Identifier: Apache-2.0
// The rules of a legacy iptables table, as IPT_SO_GET_ENTRIES and IP6T_SO_GET_ENTRIES hand it out.
// Pure, never reads outside of it. Used by nflog/ruleset. Format:
// linux/netfilter_ipv4/ip_tables.h, linux/netfilter_ipv6/ip6_tables.h.
#pragma once

#include <string_view>

#include "nflog/cursor.h"
#include "nflog/logging_rule.h"

namespace kube_nflog {

enum class IptablesFamily { kIpv4, kIpv6 };

// Takes the next rule off `entries`; false at the end, or where it is damaged. `chain` is carried
// from call to call: a user's chain begins with an entry that names it, the built-in ones come
// first and have none.
bool take_iptables_rule(IptablesFamily family, Cursor& entries, std::string_view& chain,
                        LoggingRule& out);

}  // namespace kube_nflog
