#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An Event's annotation names the interfaces as they are called when its first packet is read: after a rename, and where
# an index belongs to another interface now. A drop without Pods is told in the log.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

# expect_way PORT IN OUT: so the Event of the packets to this port tells; "-" where it tells nothing.
expect_way() {
  wait_until 5 has_way "$@" || fail "port $1 is not told by $2 $3, but by: $(way "$1")"
}
has_way() { [[ $(way "$1") == "$2 $3" ]]; }
way() {
  jq -r --argjson port "$1" '.metadata.annotations["kube-nflog/drop"] | fromjson |
    select(.port == $port and .direction == "receiving") | "\(.in // "-") \(.out // "-")"' "$work/events"
}

log_and_drop -p tcp # whatever the interfaces are called
start_agent --log-level=debug
checkout_tries "$ledger_ipv4" tcp/1001
expect_way 1001 cali-checkout cali-ledger

# Not taken down first: since Linux 6.2 an interface can be renamed while it is up; else as its users do it.
ip link set cali-ledger name renamed || {
  ip link set cali-ledger down
  ip link set cali-ledger name renamed
  ip link set renamed up
  ip route add "$ledger_ipv4" dev renamed
}
checkout_tries "$ledger_ipv4" tcp/1002
expect_way 1002 cali-checkout renamed

# Another interface gets the index, all between two packets.
index=$(ip -json link show dev renamed | jq ".[].ifindex")
ip link delete renamed
ip link add reused index "$index" type veth peer name eth0 netns ledger
ip link set reused up
ip route add "$ledger_ipv4" dev reused
checkout_tries "$ledger_ipv4" tcp/1003
expect_way 1003 cali-checkout reused

# A packet that leaves this node's own stack came in by none; on OUTPUT there is only a way out.
iptables -A OUTPUT -d "$checkout_ipv4" -p tcp -j NFLOG --nflog-group 100
iptables -A OUTPUT -d "$checkout_ipv4" -p tcp -j DROP
"$talk" to "$checkout_ipv4" tcp/1004 && fail "the rules let something pass"
expect_way 1004 - cali-checkout

# More changes than the socket holds, while the agent cannot read them.
kill -STOP "$agent"
for _ in {1..300}; do printf 'link set reused name other\nlink set other name reused\n'; done | ip -batch -
ip link set reused name last
kill -CONT "$agent"
checkout_tries "$ledger_ipv4" tcp/1005
expect_way 1005 cali-checkout last
expect_metric interface_lists_total 2
expect_metric interfaces_left_out_total 0

# Nobody's Event: the log says why.
ip route add 192.0.2.77 dev cali-checkout
iptables -A OUTPUT -d 192.0.2.77 -p udp -j NFLOG --nflog-group 100 --nflog-prefix nobody
iptables -A OUTPUT -d 192.0.2.77 -p udp -j DROP
"$talk" to 192.0.2.77 udp/1006 && fail "the rules let something pass"
expect_metric 'suppressed_total{why="no_pod"}' 1
wait_until 5 grep -Fq "no Pod at either end: $NODE_IPV4 > 192.0.2.77 on port 1006/UDP, out cali-checkout: by rule \"nobody\"" \
  "$work/agent.log" || fail "the log does not say why there is no Event"
expect_ledger_balances
