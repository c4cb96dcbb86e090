#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the rules let pass makes no Event, and nothing of it is even seen.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

for iptables in iptables ip6tables; do "$iptables" -A FORWARD -p tcp --dport 8443 -j ACCEPT; done
log_and_drop -o cali-ledger
in_pod ledger "$talk" serve tcp/8443 > "$work/server" &
wait_until 5 test -s "$work/server"
start_agent

for address in "$ledger_ipv4" "$ledger_ipv6"; do
  in_pod checkout "$talk" to "$address" tcp/8443 tcp/8443 ||
    fail "the allowed connection to $address fails"
done
checkout_tries "$ledger_ipv4" tcp/5432 # comes later in the log than anything about the allowed ones
expect_both 4 1 'on port 5432/TCP'
expect_events 2 .
expect_metric seen_total 1
