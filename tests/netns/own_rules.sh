#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The rules that deploy/rules gives for copying, on the real kernel: they log and drop, in both
# languages and families, and a flood of one Pod neither gets through unbounded nor hides others.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

readonly rules=$root/deploy/rules by=': by rule "node-firewall"'

# The commands that a file's head tells to type, run as they stand.
commands_of() { sed -n 's/^#   //p' "$1"; }

expect_rules_work() { # NAME
  local family address before
  : > "$work/events"
  start_agent
  for family in 4 6; do
    address=ledger_ipv$family
    checkout_tries "${!address}" tcp/5432
    expect_both "$family" 1 "on port 5432/TCP$by"
  done
  in_pod checkout "$talk" to "$ledger_ipv4" tcp/8443 || fail "$1: what is allowed is dropped"
  before=$(metric seen_total)
  in_pod checkout "$flood" "$ledger_ipv4" 6000 1 100000
  in_pod ledger "$talk" to "$checkout_ipv4" tcp/9 && fail "$1: the other way is open"
  expect_event "$checkout" 1 "Packet dropped when receiving traffic from payments/ledger (IP: $ledger_ipv4) on port 9/TCP$by."
  flooded=$(($(metric seen_total) - before))
  ((flooded >= 200 && flooded < 20000)) || fail "$1: of 100,000 packets $flooded are logged"
  expect_metric 'lost_total{where="netlink_overrun"}' 0
  say "$1: of a flood of 100,000 packets $flooded are logged"
  stop_agent
}

in_pod ledger "$talk" serve tcp/8443 > "$work/server.log" 2>&1 &
server=$!
wait_until 5 test -s "$work/server.log" || fail 'no server'

cd "$rules"
eval "$(commands_of iptables.rules)"
ip6tables -A FORWARD -d "$ledger_ipv6" -p tcp ! --dport 8443 -j LOG-AND-DROP
iptables -A FORWARD -d "$ledger_ipv4" -p udp -j LOG-AND-DROP
iptables -A FORWARD -d "$checkout_ipv4" -p tcp --dport 9 -j LOG-AND-DROP
expect_rules_work iptables.rules
eval "$(commands_of iptables.rules | sed -n 1,2p)" # again: a restart of whatever applies them
[[ $(iptables -S LOG-AND-DROP | grep -c NFLOG) == 1 ]] || fail "applied twice, it logs twice"
iptables -F && ip6tables -F

eval "$(commands_of drops.nft)"
nft add rule inet drops forward ip6 daddr "$ledger_ipv6" tcp dport != 8443 jump log-and-drop
nft add rule inet drops forward ip daddr "$ledger_ipv4" meta l4proto udp jump log-and-drop
nft add rule inet drops forward ip daddr "$checkout_ipv4" tcp dport 9 jump log-and-drop
expect_rules_work drops.nft
kill "$server"
