#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A hundred forbidden connections are one Event a side that says 100; fifty more, after the agent
# was killed and started again, make it 150. The server's audit log tells how it was asked.
# shellcheck source=tests/apiserver/common.inc
. "$(dirname "$0")/common.inc"

readonly schedule=(--repeat-interval=2s --update-interval=1s --update-interval-max=2s)

start_cluster
add_two_pods

step Idle "one list and one watch of this node's Pods, and then nothing"
start_agent "${schedule[@]}"
sleep 3
expect_requests 1 2 true # this server logs a watch once it has something to tell

step First "100 connections"
checkout_sends 100 tcp/5432
expect_event "$ledger" 100 "$(received 5432/TCP)"
expect_event "$checkout" 100 "$(sent 5432/TCP)"
for pod in "$ledger" "$checkout"; do
  kubectl -n "${pod%/*}" describe pod "${pod#*/}" > "$work/described"
  grep -E 'Warning .*PacketDrop .*\(x100 over [0-9ms]+\) .*kube-nflog .*Packet dropped' "$work/described" ||
    fail "kubectl describe pod does not show (x100 over ...): $(cat "$work/described")"
done

step Killed "50 more, and nobody there to see the next"
kill_agent
start_agent "${schedule[@]}"
checkout_sends 50 tcp/5432
expect_event "$ledger" 150 "$(received 5432/TCP)"
expect_event "$checkout" 150 "$(sent 5432/TCP)"
sleep 2.5 # what is not right would be written within the schedule
expect_event "$ledger" 150 "$(received 5432/TCP)"
expect_only_events "$ledger" 1
expect_only_events "$checkout" 1
expect_balance 50
[[ $(logged_packets) == 150 ]] || fail "the rule itself logged $(logged_packets) packets"
stop_agent

step Asked "no more than that takes"
expect_requests 2 2 "$is_event and .verb == \"create\" and .responseStatus.code == 201"
expect_requests 2 2 "$is_event and .verb == \"create\" and .responseStatus.code == 409"
expect_requests 2 2 "$is_event and .verb == \"get\""
# A side, by the schedule: to 100, to 101, to 150; one more where packets straddle an edge.
expect_requests 6 10 "$is_event and .verb == \"patch\" and .responseStatus.code == 200"
expect_requests 0 0 "$is_event and (.verb | IN(\"create\", \"get\", \"patch\") | not)"
expect_requests 2 2 "$is_pod and .verb == \"list\" and (.requestURI | contains(\"spec.nodeName%3D$NODE_NAME\"))"
expect_requests 2 2 "$is_pod and .verb == \"watch\" and (.requestURI | contains(\"spec.nodeName%3D$NODE_NAME\"))"
expect_requests 4 4 "$is_pod"
expect_requests 0 0 "$is_event or $is_pod | not"
