#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Pods are known as they are when the packet drops: a new one, one that is gone since a moment, and
# the younger of two that had one address after the other. All by the watch: nothing is looked up.
# shellcheck source=tests/apiserver/common.inc
. "$(dirname "$0")/common.inc"

readonly worker=shop/worker-0 successor=shop/worker-1 worker_ipv4=10.1.0.4 worker_ipv6=fd00:1::4

from_worker() { echo "Packet dropped when receiving traffic from shop/worker (IP: $1) on port $2/UDP."; }
worker_sends() { in_pod worker "$send" "$1" udp/"$2"; }
has_pods() { has_metric pods_cached "$1"; }
expect_pods() { wait_until 10 has_pods "$1" || fail "the agent knows $(metric pods_cached) Pods, not $1"; }
uids_of_events_on() {
  kubectl get events -n "${1%/*}" -o json --field-selector "involvedObject.name=${1#*/}" |
    jq -r '.items[].involvedObject.uid' | sort -u
}
uid_of() { kubectl get pod -n "${1%/*}" "${1#*/}" -o jsonpath='{.metadata.uid}'; }

start_cluster
add_two_pods
start_agent "${promptly[@]}"
expect_pods 2

step New "a Pod that was not there when the agent started, by both its addresses"
node_add_pod worker $worker_ipv4 $worker_ipv6
make_pods "pod/$worker@$NODE_NAME=$worker_ipv4,$worker_ipv6,owner=StatefulSet:worker"
expect_pods 3
sleep 3 # its addresses come after it
worker_sends "$ledger_ipv4" 1001
worker_sends "$ledger_ipv6" 1002
expect_event $worker 1 "$(sent 1001/UDP)"
expect_event "$ledger" 1 "$(from_worker $worker_ipv4 1001)"
expect_event "$ledger" 1 "$(from_worker $worker_ipv6 1002)"
old_uid=$(uid_of $worker)

step Deleted "the Pod; a drop of its last moment comes late"
kubectl delete pod -n shop "${worker#*/}" > /dev/null
sleep 0.5
worker_sends "$ledger_ipv4" 1003
expect_event $worker 1 "$(sent 1003/UDP)"
[[ $(uids_of_events_on $worker) == "$old_uid" ]] || fail "Events on another Pod of that name"

step Reused "its address, by a younger Pod, while the older is still remembered"
make_pods "pod/$successor@$NODE_NAME=$worker_ipv4,$worker_ipv6,owner=StatefulSet:worker"
sleep 3 # for the watch
worker_sends "$ledger_ipv4" 1004
expect_event $successor 1 "$(sent 1004/UDP)"
expect_only_events $successor 1
expect_only_events $worker 3

step Recreated "a Pod of the same name is another Pod"
make_pods "pod/$worker@$NODE_NAME=10.1.0.5,owner=StatefulSet:worker"
[[ $(uid_of $worker) != "$old_uid" ]] || fail "this test shows nothing: the same uid"
[[ $(uids_of_events_on $worker) == "$old_uid" ]] || fail "the new Pod got the old one's Events"

expect_requests 0 0 "$is_pod and (.requestURI | contains(\"spec.nodeName\") | not)"
stop_agent
