#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A hundred Pods send to a hundred others at once: ten thousand pairs. With a budget that is large
# enough every packet is told, on both sides; with the usual one, what is told, what waits and what is
# lost in the end add up to all.
# shellcheck source=tests/apiserver/common.inc
. "$(dirname "$0")/common.inc"

readonly side=100 pairs=10000

# total SENT|RECEIVED: the packets that the Events of this kind count.
total() {
  kubectl get events -A -o json --field-selector reason=PacketDrop |
    jq --arg direction "$1" '[.items[] | select(.message | contains($direction)).count] | add // 0'
}
has_total() { [[ $(total "$1") == "$2" ]]; }
expect_total() { wait_until 60 has_total "$1" "$2" || fail "Events of $1 count $(total "$1") packets, not $2"; }
number_of_events() { kubectl get events -A -o name | wc -l; }
has_seen() { has_metric seen_total "$1"; }
burst() { in_pod clients "$root/tests/apiserver/send_pairs" 10.1.1.1 10.1.2.1 $side "udp/$1"; }

start_cluster
node_add_pod clients 10.1.1.1 fd00:1::1
node_add_pod servers 10.1.2.1 fd00:2::1
ip route add 10.1.1.0/24 dev cali-clients
ip route add 10.1.2.0/24 dev cali-servers
log_and_drop -o cali-servers
for ((n = 1; n <= side; ++n)); do
  echo "pod/shop/client-$n@$NODE_NAME=10.1.1.$n pod/payments/server-$n@$NODE_NAME=10.1.2.$n"
done | make_pods "node/$NODE_NAME=$NODE_IPV4" -

step Unbounded "a budget for all of them"
start_agent --repeat-interval=1s --node-event-burst=10000 --pod-event-burst=10000
burst 53
expect_total receiving $pairs
expect_total sending $pairs
expect_balance $pairs
expect_metric reported_total $pairs
# Ten peers each, and one Event for the rest; on either side of each Pod.
events=$(number_of_events)
say "$pairs pairs, $events Events"
((events == 2 * 11 * side)) || fail "$events Events, not 11 on each of $((2 * side)) Pods"
stop_agent
for namespace in shop payments; do kubectl delete --raw "/api/v1/namespaces/$namespace/events" > /dev/null; done

step Budget "the usual one: 20 at once"
start_agent
burst 5353
wait_until 20 has_seen $pairs || fail "only $(metric seen_total) packets seen"
sleep 2 # for what the budget allows
reported=$(metric reported_total)
say "$(ledger), in $(number_of_events) Events; the rest waits"
[[ $(metric lost_total) == 0 && $(metric suppressed_total) == 0 ]] || fail "lost already: $(ledger)"
told_is_reported() { has_total receiving "$(metric reported_total)"; }
wait_until 20 told_is_reported || fail "$(metric reported_total) are reported, and not in the Events"
(($(number_of_events) <= 24)) || fail "$(number_of_events) Events at once"
stop_agent
expect_words 'seen 10000, reported [0-9]+, suppressed 0, lost [0-9]+'
read -r told lost < <(sed -nE 's/.*seen 10000, reported ([0-9]+), suppressed 0, lost ([0-9]+).*/\1 \2/p' "$agent_log")
say "after SIGTERM: $told told, $lost lost and counted so"
((told + lost == pairs && told > reported)) || fail "$told told and $lost lost are not $pairs"
expect_total receiving "$told"
[[ $(logged_packets) == $((2 * pairs)) ]] || fail "the rule itself logged $(logged_packets) packets"
