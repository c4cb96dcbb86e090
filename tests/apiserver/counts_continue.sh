#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One Event a side with the exact count: through repeats, the agent's violent death, the Event's
# expiry and another writer; never a twin.
# shellcheck source=tests/apiserver/common.inc
. "$(dirname "$0")/common.inc"

start_cluster
make_pods "node/$NODE_NAME=$NODE_IPV4" \
  "pod/shop/checkout@$NODE_NAME=10.1.0.2,fd00:1::2" \
  "pod/payments/ledger@$NODE_NAME=10.1.0.3,fd00:1::3"
node_add_pod checkout 10.1.0.2 fd00:1::2
node_add_pod ledger 10.1.0.3 fd00:1::3
drop_into 10.1.0.3 fd00:1::3

# connect TIMES: so many SYNs from checkout to ledger; closed before TCP would send one again.
connect() {
  in_pod checkout python3 - "$1" << 'END'
import socket, sys
for _ in range(int(sys.argv[1])):
    with socket.socket() as client:
        client.setblocking(False)
        client.connect_ex(("10.1.0.3", 5432))
END
}

expect_both() { # COUNT
  expect_event_counts payments/ledger "$1"
  expect_event_counts shop/checkout "$1"
}

readonly quick=(--update-interval=1s --update-interval-max=2s --repeat-interval=4s)

step Repeats "100 connections"
start_agent "${quick[@]}"
connect 100
expect_both 100
kubectl -n payments describe pod ledger | grep -E 'Warning +PacketDrop .*\(x100 over ' ||
  fail "kubectl describe pod does not say (x100 over …)"

step Restart "kill -9, then 50 more"
kill_agent
start_agent "${quick[@]}"
connect 50
expect_both 150

step "Other hand" "another writer adds 1,000 to one of them"
name=$(events_json payments/ledger | jq -r '.items[0].metadata.name')
kubectl -n payments patch event "$name" --type=merge -p '{"count": 1150}' > /dev/null
connect 10
expect_event_counts payments/ledger 1160
expect_event_counts shop/checkout 160

step Expiry "one of them goes, as after --event-ttl: it comes back with its whole count"
kubectl -n payments delete event "$name" > /dev/null
connect 5
expect_event_counts payments/ledger 1165
expect_event_counts shop/checkout 165

stop_agent
[[ $(agent_requests '.objectRef.resource == "events" and .verb == "list"') == 0 ]] ||
  fail "the agent lists Events"
made=$(agent_requests '.objectRef.resource == "events" and .responseStatus.code == 201')
[[ $made == 3 ]] || fail "$made Events were made, not 2 and 1 anew"
say "counts are exact, and no Event has a twin"
