#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Forty clients of one port: ten have an Event each, thirty share one, which says so and goes on after the agent was
# killed and started again.
# shellcheck source=tests/apiserver/common.inc
. "$(dirname "$0")/common.inc"

readonly received_from="Packet dropped when receiving traffic from" on_port="on port 5432/TCP."
sources=()
for n in {1..40}; do sources+=(--source "192.0.2.$n"); done
readonly others="30 addresses, e.g. 192.0.2.11,"

# clients_send N: so many packets from each of the forty, in the order of their addresses.
clients_send() { in_pod clients "$send" --times "$1" "${sources[@]}" "$ledger_ipv4" tcp/5432; }

# expect_all COUNT WHO: each of the ten says COUNT, the one that the others share says 30 times that, of WHO.
expect_all() {
  expect_exactly "$ledger" 30 "$(
    for n in {1..10}; do echo "$1 $received_from 192.0.2.$n $on_port"; done
    echo "$((30 * $1)) $received_from $2 $on_port"
  )"
}

start_cluster
add_two_pods
node_add_pod clients 192.0.2.1 fd00:2::1
for n in {2..40}; do
  echo "address add 192.0.2.$n/32 dev eth0"
done | ip -netns clients -batch -
ip route add 192.0.2.0/24 dev cali-clients
start_agent "${promptly[@]}" --lookup-burst=20 --lookup-interval=10m

step First "one packet each"
clients_send 1
expect_all 1 "$others"
kubectl -n "${ledger%/*}" describe pod "${ledger#*/}" > "$work/described"
grep -Eq "Warning .*PacketDrop .*\(x30 over .*kube-nflog .*from $others" "$work/described" ||
  fail "kubectl describe pod does not show it: $(cat "$work/described")"

step Then "two more each: the number of packets grows, that of the addresses does not"
clients_send 2
expect_all 3 "$others"
expect_balance 120
# Half of the burst of 20 is for peers with an Event of their own.
expect_requests 10 19 "$is_pod and (.requestURI | contains(\"status.podIP\"))"

step Killed "and one more each: of the addresses before, nobody remembers which"
kill_agent
start_agent "${promptly[@]}" --lookup-burst=20 --lookup-interval=10m
clients_send 1
expect_all 4 "at least $others"
expect_balance 40
[[ $(logged_packets) == 160 ]] || fail "the rule itself logged $(logged_packets) packets"
stop_agent
