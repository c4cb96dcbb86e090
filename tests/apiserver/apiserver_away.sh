#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The API server is killed amid drops and comes back: every packet is in the end counted, once, in
# one Event a side and flow, also of a flow that began meanwhile. The agent waits and does not storm.
# shellcheck source=tests/apiserver/common.inc
. "$(dirname "$0")/common.inc"

readonly ports=(1001 1002 1003 1004 1005) unheard_of=2001

# Connections that the agent has tried, by a rule that counts their SYNs. Nobody else connects while
# the server is away.
count_connections() { iptables -A OUTPUT -o lo -p tcp --dport "$KUBERNETES_SERVICE_PORT" --syn; }
connections() { iptables -nvxL OUTPUT | awk '/dpt:/ { print $1 }'; }
cpu_ticks() { awk '{ print $14 + $15 }' "/proc/$agent/stat"; } # 100 a second

expect_packets() { # COUNT PORT: on both sides
  expect_event "$ledger" "$1" "$(received "$2/UDP")" 60
  expect_event "$checkout" "$1" "$(sent "$2/UDP")" 60
}

start_cluster
add_two_pods
start_agent "${promptly[@]}"

step Traffic "5 flows, 100 packets each, over 3 s"
in_pod checkout "$send" --times 100 --pause 0.006 "$ledger_ipv4" "${ports[@]/#/udp/}" &
sleep 1

step Killed "kube-apiserver"
cluster kill-apiserver
count_connections
ticks=$(cpu_ticks)
wait $! # the traffic
checkout_sends 7 udp/$unheard_of
sleep 1
tried=$(connections) ticks=$(($(cpu_ticks) - ticks))
agent_ready || fail "the agent is not ready any more, only because the API server is away"
expect_words 'trying? again'
say "$tried connections and $((ticks * 10)) ms of CPU while it was away"
# The watch and the writes each wait longer every time; of the writes, 8 go at a time.
((tried >= 2 && tried <= 50)) || fail "$tried connections in some seconds"
((ticks <= 100)) || fail "$((ticks * 10)) ms of CPU for waiting"

step Back "and told of everything"
cluster resume
for port in "${ports[@]}"; do expect_packets 100 "$port"; done
expect_packets 7 $unheard_of
expect_balance 507
expect_metric reported_total 507
stop_agent
for port in "${ports[@]}"; do expect_packets 100 "$port"; done # and no more than that
expect_only_events "$ledger" 6
expect_only_events "$checkout" 6
[[ $(logged_packets) == 507 ]] || fail "the rule itself logged $(logged_packets) packets"
