#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Rules in the language of nftables do as well; a prefix of your own names the rule in the Event.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

nft -f - << END
table inet netpol {
  chain forward {
    type filter hook forward priority filter;
    oifname cali-ledger udp dport 53 log prefix "no-dns" group 100 drop
    oifname cali-ledger log group 100 drop
  }
}
END
start_agent
checkout_tries "$ledger_ipv4" udp/53 tcp/5432
checkout_tries "$ledger_ipv6" udp/53

expect_both 4 1 'on port 53/UDP: by rule "no-dns"'
expect_both 6 1 'on port 53/UDP: by rule "no-dns"'
expect_both 4 1 'on port 5432/TCP'
expect_events 6 .

# The README's own two, as they stand there.
readme() { sed -n "s/^ *\($1 .*\)/\1/p" "$root/README.md"; }
nft flush ruleset
iptables -N MY-CHAIN
iptables -A FORWARD -o cali-ledger -j MY-CHAIN
eval "$(readme 'iptables -A')"
iptables -A MY-CHAIN -j DROP
checkout_tries "$ledger_ipv4" udp/54
expect_both 4 1 'on port 54/UDP: denied by NetworkPolicy shop/default-deny'
nft flush ruleset
nft 'add table inet filter; add chain inet filter forward { type filter hook forward priority filter; }'
eval "$(readme 'nft add')"
nft add rule inet filter forward ip daddr "$ledger_ipv4" drop
checkout_tries "$ledger_ipv4" udp/55
expect_both 4 1 'on port 55/UDP: denied by NetworkPolicy shop/default-deny'
