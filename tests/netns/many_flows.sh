#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Millions of distinct flows to one Pod: memory stays bounded, no packet goes uncounted, the ledger balances, and a single
# drop of another Pod is told within a second. FLOWS=10000000 makes it ten millions.
# Alone: it floods.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

# A sanitizer's reader is too slow for the whole flood: what it loses may be all of the drop that matters.
if is_sanitized; then
  readonly flows=${FLOWS:-400000} rate=20000
else
  readonly flows=${FLOWS:-2000000} rate=0
fi
add_flood_cable
log_and_drop -o cali-checkout
start_agent --repeat-interval=16s --update-interval=2s # longer than the flood, and counts come out every 2 s
"$blast" flood0 flood1 "$flows" "$flows" "$rate" > "$work/rate" &
flooding=$!
until (($(metric seen_total) >= flows / 8)); do sleep 0.1; done
kill -0 "$flooding" || fail 'the flood was over before the other Pod had its drop'

timeout 30 grep -q -m 1 'on port 5432/UDP' <(tail -n +1 -f "$work/events") &
watching=$!
started=${EPOCHREALTIME/./}
in_pod ledger bash -c "for i in {1..40}; do echo > /dev/udp/$checkout_ipv4/5432; sleep 0.05; done" & # one may be lost
sending=$!
wait "$watching" || fail 'the drop of another Pod is not told in 30 s'
took=$(((${EPOCHREALTIME/./} - started) / 1000))
wait "$sending"
wait "$flooding" || fail 'the flood ended early'

expect_all_accounted_for "$blast" flood0 flood1 1 1 0
expect_ledger_balances
rss=$(awk '$1 == "VmHWM:" { print int($2 / 1024) }' "/proc/$agent/status")
say "$flows flows: $(ledger); another Pod's drop after $took ms; peak RSS $rss MB"
if ! is_sanitized; then
  ((took < 2000)) || fail "another Pod's drop is told after $took ms" # one second, and one for a busy machine
  ((rss <= 48)) || fail "peak RSS is $rss MB"
fi
is_sanitized || stop_agent # under sanitizers, telling all of it takes longer than a stop may
