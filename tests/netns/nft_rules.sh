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
