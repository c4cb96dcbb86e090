#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The chains that k3s makes for NetworkPolicies: what one policy allows makes no Event although others log it, and what
# none allows makes one on each Pod, with the candidates of the Pod that denied and no others.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

# k3s has 10 a minute here and may be told otherwise by an annotation; so few are soon used up.
readonly ration=(-m limit --limit 1/hour --limit-burst 4)

# policy NAMESPACE/NAME [MATCH...]: the chain of a policy that allows what matches, or nothing.
policy() {
  local name=$1 iptables
  shift
  for iptables in iptables ip6tables; do
    "$iptables" -N "${name#*/}"
    if (($#)); then
      "$iptables" -A "${name#*/}" "$@" -j MARK --set-xmark 0x10000/0x10000
      "$iptables" -A "${name#*/}" -m mark --mark 0x10000/0x10000 -j RETURN
    fi
    "$iptables" -A "${name#*/}" "${ration[@]}" -m mark ! --mark 0x10000/0x10000 \
      -j NFLOG --nflog-group 100 --nflog-prefix "DROP by policy $name"
  done
}

# pod_chain NAME -s|-d IPV4 IPV6 POLICY...: the chain of a Pod whom these select, and the way into it.
pod_chain() {
  local chain=pod-$1 side=$2 ipv4=$3 ipv6=$4 iptables name
  shift 4
  for iptables in iptables ip6tables; do
    "$iptables" -N "$chain"
    "$iptables" -A "$chain" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    for name in "$@"; do "$iptables" -A "$chain" -j "$name"; done
    "$iptables" -A "$chain" -m mark ! --mark 0x10000/0x10000 -m limit --limit 10/minute --limit-burst 10 \
      -j NFLOG --nflog-group 100
    "$iptables" -A "$chain" -m mark ! --mark 0x10000/0x10000 -j REJECT
    "$iptables" -A "$chain" -j MARK --set-xmark 0x0/0x10000
    "$iptables" -A "$chain" -j MARK --set-xmark 0x20000/0x20000
  done
  iptables -A FORWARD "$side" "$ipv4" -j "$chain"
  ip6tables -A FORWARD "$side" "$ipv6" -j "$chain"
}

policy shop/egress-dns -p udp --dport 53
policy shop/egress-payments -p tcp --dport 5432:8443
policy payments/allow-8443 -p tcp --dport 8443
policy payments/default-deny
pod_chain checkout -s "$checkout_ipv4" "$checkout_ipv6" egress-dns egress-payments
pod_chain ledger -d "$ledger_ipv4" "$ledger_ipv6" default-deny allow-8443
in_pod ledger "$talk" serve tcp/8443 > "$work/server" &
wait_until 5 test -s "$work/server"
start_agent

for address in "$ledger_ipv4" "$ledger_ipv6"; do
  in_pod checkout "$talk" to "$address" tcp/8443 || fail "the allowed connection to $address fails"
done
# shop/egress-dns and payments/default-deny have each logged both connections.
expect_metric 'suppressed_total{why="hint"}' 4
expect_metric 'hints_total{result="unmatched"}' 4
expect_events 0 .

checkout_tries "$ledger_ipv4" tcp/5432 # allowed by the sender's policies, denied by the receiver's
checkout_tries "$ledger_ipv4" tcp/9999 # denied by the sender's: the receiver's are not even asked
checkout_tries "$ledger_ipv6" udp/9999
ingress='denied by NetworkPolicy; candidates: payments/allow-8443, payments/default-deny.'
egress='denied by NetworkPolicy; candidates: shop/egress-dns, shop/egress-payments.'
expect_events 1 "^$ledger 1 .*from shop/checkout .*on port 5432/TCP: $ingress$"
expect_events 1 "^$checkout 1 .*to payments/ledger .*on port 5432/TCP: $ingress$"
expect_events 2 "^($ledger|$checkout) 1 .*on port 9999/TCP: $egress$"
expect_events 2 "^($ledger|$checkout) 1 .*fd00:1::.*on port 9999/UDP: $egress$"
expect_events 6 .

# Allowed connections use up the rations of some rules, denied ones those of the rest. A verdict with a part of the hints
# or with none is still of the same flow: the same Event.
for _ in 1 2 3; do in_pod checkout "$talk" to "$ledger_ipv4" tcp/8443; done
expect_metric 'hints_total{result="unmatched"}' 7
hints=$(metric 'suppressed_total{why="hint"}')
for _ in 1 2 3 4; do checkout_tries "$ledger_ipv4" tcp/5432; done # payments/allow-8443 has three left
expect_metric 'suppressed_total{why="hint"}' $((hints + 3))
expect_metric seen_total $((hints + 3 + 7))
expect_metric dedupe_keys 3
expect_events 6 .
