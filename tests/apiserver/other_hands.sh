#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Others touch our Events: one who counts on in it keeps what it added, and one that is deleted (as
# after --event-ttl) comes back with its whole count.
# shellcheck source=tests/apiserver/common.inc
. "$(dirname "$0")/common.inc"

start_cluster
add_two_pods
start_agent "${promptly[@]}"
checkout_sends 100 tcp/5432
expect_event "$ledger" 100 "$(received 5432/TCP)"
expect_event "$checkout" 100 "$(sent 5432/TCP)"

step Another "writer adds 1,000 to one of them"
name=$(kubectl -n "${ledger%/*}" get events -o jsonpath='{.items[0].metadata.name}')
kubectl -n "${ledger%/*}" patch event "$name" --type=merge -p '{"count": 1100}' > "$work/patched"
checkout_sends 10 tcp/5432
expect_event "$ledger" 1110 "$(received 5432/TCP)"
expect_event "$checkout" 110 "$(sent 5432/TCP)"

step Expiry "it goes, and comes back"
kubectl -n "${ledger%/*}" delete event "$name" > "$work/deleted"
checkout_sends 5 tcp/5432
expect_event "$ledger" 1115 "$(received 5432/TCP)"
expect_event "$checkout" 115 "$(sent 5432/TCP)"
expect_only_events "$ledger" 1
expect_only_events "$checkout" 1
expect_balance 115
stop_agent
expect_requests 3 3 "$is_event and .verb == \"create\" and .responseStatus.code == 201"
