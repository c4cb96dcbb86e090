#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The API server is killed amid a thousand drops of 50 flows and comes back: every packet is in the
# end counted, once, in one Event a side and flow, also of a flow that began meanwhile. The agent
# waits and does not storm.
# shellcheck source=tests/apiserver/common.inc
. "$(dirname "$0")/common.inc"

readonly away=${KUBE_NFLOG_SECONDS_AWAY:-4} # seconds
readonly ports=({1001..1050}) unheard_of=2001

# Connections that the agent has tried, by a rule that counts their SYNs. Nobody else connects while
# the server is away.
count_connections() { iptables -A OUTPUT -o lo -p tcp --dport "$KUBERNETES_SERVICE_PORT" --syn; }
connections() { iptables -nvxL OUTPUT | awk '/dpt:/ { print $1 }'; }
cpu_ticks() { awk '{ print $14 + $15 }' "/proc/$agent/stat"; } # 100 a second

# expect_all: 20 packets of each flow and 7 of the late one, on both sides, and nothing else.
expect_all() {
  local port
  for port in "${ports[@]}"; do echo "20 $(received "$port/UDP")"; done > "$work/received"
  for port in "${ports[@]}"; do echo "20 $(sent "$port/UDP")"; done > "$work/sent"
  expect_exactly "$ledger" 60 "$(cat "$work/received" && echo "7 $(received $unheard_of/UDP)")"
  expect_exactly "$checkout" 60 "$(cat "$work/sent" && echo "7 $(sent $unheard_of/UDP)")"
}

start_cluster
add_two_pods
start_agent "${promptly[@]}"

step Traffic "50 flows, 20 packets each, for as long as the server is away and 2 s more"
pause=$(awk -v away="$away" 'BEGIN { print (away + 2) / 1000 }')
in_pod checkout "$send" --times 20 --pause "$pause" "$ledger_ipv4" "${ports[@]/#/udp/}" &
sleep 1

step Killed "kube-apiserver, for $away s"
cluster kill-apiserver
count_connections
ticks=$(cpu_ticks)
checkout_sends 7 udp/$unheard_of
sleep "$away"
tried=$(connections) ticks=$(($(cpu_ticks) - ticks))
agent_ready || fail "the agent is not ready any more, only because the API server is away"
expect_words 'trying? again'
say "$tried connections and $((ticks * 10)) ms of CPU while it was away"
# The watch and the writes each wait longer every time; of the writes, 8 go at a time.
((tried >= 2 && tried <= 50 + away)) || fail "$tried connections in $away s"
((ticks <= 100 + away)) || fail "$((ticks * 10)) ms of CPU for waiting"

step Back "and told of everything"
cluster resume
wait $! # the traffic
expect_all
expect_balance 1007
expect_metric reported_total 1007
stop_agent
expect_all # and no more than that
[[ $(logged_packets) == 1007 ]] || fail "the rule itself logged $(logged_packets) packets"
