#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Who is at the other end, when it is no Pod of this node: the API server is asked once an address.
# shellcheck source=tests/apiserver/common.inc
. "$(dirname "$0")/common.inc"

readonly cart=shop/cart-0 cart_ipv4=10.2.0.5 node_2_ipv4=10.0.0.12 nobody_ipv4=192.0.2.77

# elsewhere_sends SOURCE PROTO/PORT: ten packets from that address to the ledger.
elsewhere_sends() { in_pod elsewhere "$send" --times 10 --pause 0.02 --source "$1" "$ledger_ipv4" "$2"; }

# expect_one_lookup ADDRESS
expect_one_lookup() {
  expect_requests 1 1 "$is_pod and .verb == \"list\" and (.requestURI | endswith(\"status.podIP%3D$1\"))"
}

start_cluster
add_two_pods
make_pods node/node-2=$node_2_ipv4 "pod/$cart@node-2=$cart_ipv4,owner=StatefulSet:cart" \
  pod/kube-system/kube-proxy-7lq4z@node-2=$node_2_ipv4,hostNetwork,owner=DaemonSet:kube-proxy
node_add_pod elsewhere $cart_ipv4 fd00:2::5
for address in $node_2_ipv4 $nobody_ipv4; do
  ip -netns elsewhere address add "$address/32" dev eth0
  ip route add "$address" dev cali-elsewhere
done
start_agent "${promptly[@]}"

step Pod "of another node: found, and told as well"
elsewhere_sends $cart_ipv4 tcp/5432
elsewhere_sends $cart_ipv4 udp/53
expect_event "$ledger" 10 "Packet dropped when receiving traffic from shop/cart (IP: $cart_ipv4) on port 5432/TCP."
expect_event "$ledger" 10 "Packet dropped when receiving traffic from shop/cart (IP: $cart_ipv4) on port 53/UDP."
expect_event $cart 10 "$(sent 5432/TCP)"
expect_event $cart 10 "$(sent 53/UDP)"
expect_one_lookup $cart_ipv4

step Node "whose address its hostNetwork Pods share: told by its name"
elsewhere_sends $node_2_ipv4 tcp/5432
expect_event "$ledger" 10 "Packet dropped when receiving traffic from node-2 (IP: $node_2_ipv4) on port 5432/TCP."
expect_one_lookup $node_2_ipv4
kubectl get events -n kube-system -o name > "$work/events-on-kube-proxy"
[[ ! -s $work/events-on-kube-proxy ]] || fail "kube-proxy is blamed for its node's traffic"

step Nobody "stays an address, and is not asked for again"
elsewhere_sends $nobody_ipv4 tcp/5432
expect_event "$ledger" 10 "Packet dropped when receiving traffic from $nobody_ipv4 on port 5432/TCP."
elsewhere_sends $nobody_ipv4 tcp/5433
expect_event "$ledger" 10 "Packet dropped when receiving traffic from $nobody_ipv4 on port 5433/TCP."
expect_one_lookup $nobody_ipv4

expect_balance 50
expect_metric reported_total 50
expect_only_events "$ledger" 5
expect_only_events $cart 2
expect_requests 3 3 "$is_pod and (.requestURI | contains(\"spec.nodeName\") | not)"
stop_agent
