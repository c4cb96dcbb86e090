#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A group that another process holds: exit status 75, who holds it, and the holder is not disturbed.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

log_and_drop -o cali-ledger
start_agent
refuses 75 'group 100.*held' --source=nflog --nflog-group=100
grep -qw "pid $agent" "$work/paragraph" || fail "does not name pid $agent: $(cat "$work/paragraph")"

checkout_tries "$ledger_ipv4" tcp/5432
expect_events 2 'on port 5432/TCP'
stop_agent

start_agent --nflog-group=100 # free again
