#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Pods that are not like the others: a static one (kubectl describe must show its Event), one on the
# node's own network, one that has finished and whose address another has by now, one with IPv6 alone.
# shellcheck source=tests/apiserver/common.inc
. "$(dirname "$0")/common.inc"

readonly static=shop/web-$NODE_NAME static_ipv4=10.1.0.4 static_hash=5c1f4d8e0b8a4f6f9d0e3b7c2a190e55
readonly report=shop/report-28712345-7fk2p worker=shop/worker-0 reused_ipv4=10.1.0.5
readonly cart=shop/cart-0 cart_ipv6=fd00:2::5
readonly proxy=kube-system/kube-proxy-7lq4z

describe() { kubectl -n "${1%/*}" describe pod "${1#*/}"; }
finished_is_known() { [[ $(kubectl -n "${report%/*}" get pod "${report#*/}" -o jsonpath='{.status.phase}') == Succeeded ]]; }

start_cluster
add_two_pods
node_add_pod web $static_ipv4 fd00:1::4
node_add_pod reused $reused_ipv4 fd00:1::5
node_add_pod elsewhere 192.0.2.1 $cart_ipv6
log_and_drop -o cali-web
log_and_drop -o cali-reused
iptables -A OUTPUT -o cali-ledger -j NFLOG --nflog-group 100
iptables -A OUTPUT -o cali-ledger -j DROP
make_pods "node/$NODE_NAME=$NODE_IPV4,$NODE_IPV6" node/node-2=10.0.0.12 \
  "pod/$static@$NODE_NAME=$static_ipv4,mirror=$static_hash" \
  "pod/$proxy@$NODE_NAME=$NODE_IPV4,hostNetwork,owner=DaemonSet:kube-proxy" \
  "pod/$worker@$NODE_NAME=10.1.0.99,owner=StatefulSet:worker" \
  "pod/$cart@node-2=$cart_ipv6,owner=StatefulSet:cart"
sleep 1.1 # creation times are whole seconds: the one that finishes is the younger
make_pods "pod/$report@$NODE_NAME=$reused_ipv4,owner=Job:report-28712345"
start_agent "${promptly[@]}"

step Static "kubectl looks for its Events by the kubelet's hash, not by its uid"
in_pod checkout "$send" --times 3 $static_ipv4 tcp/80
expect_event "$static" 3 "$(received 80/TCP)"
describe "$static" > "$work/described"
grep -Eq 'Warning .*PacketDrop .*from shop/checkout' "$work/described" ||
  fail "kubectl describe pod does not show it: $(cat "$work/described")"

step Host "a Pod on the node's network is not blamed for what the node sends"
"$send" --times 2 --source "$NODE_IPV4" "$ledger_ipv4" tcp/5432
expect_event "$ledger" 2 "Packet dropped when receiving traffic from $NODE_NAME (IP: $NODE_IPV4) on port 5432/TCP."
expect_only_events $proxy 0

step Finished "and its address is another's, of an older Pod"
make_pods "pod/$report@$NODE_NAME=$reused_ipv4,owner=Job:report-28712345,phase=Succeeded" \
  "pod/$worker@$NODE_NAME=$reused_ipv4,owner=StatefulSet:worker"
wait_until 5 finished_is_known || fail "the Pod did not finish"
sleep 3 # for the watch
in_pod checkout "$send" --times 4 $reused_ipv4 udp/53
expect_event $worker 4 "$(received 53/UDP)"
expect_only_events $report 0

step IPv6 "a Pod of another node, with no other address"
in_pod elsewhere "$send" --times 5 --source $cart_ipv6 "$ledger_ipv6" udp/53
expect_event "$ledger" 5 "Packet dropped when receiving traffic from shop/cart (IP: $cart_ipv6) on port 53/UDP."
expect_event $cart 5 "Packet dropped when sending traffic to payments/ledger (IP: $ledger_ipv6) on port 53/UDP."

expect_balance 14
expect_metric reported_total 14
stop_agent
