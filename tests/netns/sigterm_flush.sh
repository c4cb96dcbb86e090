#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SIGTERM in the middle of a burst: all that was logged before it is in the Events, and the exit
# status is 0. Where nobody reads the Events it ends all the same, says so, and counts them as lost.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

log_and_drop -o cali-ledger
start_agent
in_pod checkout "$flood" "$ledger_ipv4" 20000 200 20000
stop_agent

expect_events 400 .
for pod in "$ledger" "$checkout"; do
  [[ $(total "^$pod ") == 20000 ]] || fail "$pod hears of $(total "^$pod ") packets, not 20000"
done

mkfifo "$work/unread"
exec 3<> "$work/unread"
: > "$work/agent.log"
"$agent_binary" "${offline[@]}" --listen="$probes" > "$work/unread" 2> "$work/agent.log" &
agent=$!
wait_until 15 agent_ready || fail "the agent does not get ready"
in_pod checkout "$flood" "$ledger_ipv4" 20000 200 20000
expect_metric seen_total 20000
kill -TERM "$agent"
wait_until $((7 * patience)) agent_gone || fail "it waits for a reader $((7 * patience)) s after SIGTERM"
status=0
wait "$agent" || status=$?
((status == 1)) || fail "it ended with $status"
grep -q 'Nobody reads our standard output' "$work/agent.log" || fail "it does not say what held it up"
grep -q 'stopped: seen 20000, .*unflushed' "$work/agent.log" || fail "what was not told is in no ledger"
agent=
