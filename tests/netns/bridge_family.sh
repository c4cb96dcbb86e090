#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Rules of the bridge family, between Pods of one bridge: frames without a VLAN tag, with one, and with two.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

ip link add cni0 type bridge
ip link set cni0 up
for pod in left right; do
  ip netns add "$pod"
  ip link add "port-$pod" type veth peer name eth0 netns "$pod"
  ip link set "port-$pod" master cni0 up
  ip -netns "$pod" link set eth0 up
done
ip -netns right link set eth0 address 02:00:00:00:00:03
"$root/tests/apiserver/make-pods" --print > "$work/bridged.json" \
  "pod/shop/left@$NODE_NAME=10.9.0.2" "pod/shop/right@$NODE_NAME=10.9.0.3"

nft -f - << END
table bridge netpol {
  chain forward {
    type filter hook forward priority 0;
    ether daddr 02:00:00:00:00:03 log group 100 drop
  }
}
END
start_agent --pods="$work/bridged.json"

# Each goes to the UDP port that is its number of tags.
in_pod left "$root/tests/netns/garbage.py" frames 10.9.0.2 10.9.0.3 020000000003
for tags in 0 1 2; do
  expect_event "shop/right 1 Packet dropped when receiving traffic from shop/left (IP: 10.9.0.2) on port $tags/UDP."
done
expect_metric seen_total 3
expect_ledger_balances
