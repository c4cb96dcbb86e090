#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A Pod that sends to hundreds of thousands of addresses hears of it in eleven Events, which count every packet; no packet is
# refused, and a single drop of another Pod, on its way out, is told within a second.
# Alone: it floods.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

# A sanitizer's reader is slow: what it loses may be the one drop that matters.
if is_sanitized; then
  readonly addresses=60000 rate=10000
else
  readonly addresses=400000 rate=100000
fi
readonly elsewhere=198.51.100.1
add_flood_cable
log_and_drop -o cali-checkout
ip route add "$elsewhere" dev cali-checkout             # so that it is forwarded, and dropped then
start_agent --repeat-interval=16s --update-interval=1s # longer than the scan
"$blast" flood0 flood1 "$addresses" "$addresses" "$rate" "$checkout_ipv4" > "$work/rate" &
scanning=$!
until (($(metric seen_total) >= addresses / 8)); do sleep 0.1; done
kill -0 "$scanning" || fail 'the scan was over before the other Pod had its drop'

readonly told="sending traffic to $elsewhere on port 5432/UDP"
timeout 30 grep -q -m 1 "$told" <(tail -n +1 -f "$work/events") &
watching=$!
started=${EPOCHREALTIME/./}
in_pod ledger bash -c "echo > /dev/udp/$elsewhere/5432"
wait "$watching" || fail "the drop of another Pod is not told in 30 s: $(ledger)"
took=$(((${EPOCHREALTIME/./} - started) / 1000))
wait "$scanning" || fail 'the scan ended early'

expect_logged $((addresses + 1))
wait_until $((30 * patience)) none_unaccounted_for || fail "the rules logged $(logged_packets): $(ledger)"
expect_metric 'lost_total{where="fold_full"}' 0
expect_ledger_balances
reported=$(metric reported_total)
say "$addresses addresses: $(ledger); another Pod's drop after $took ms"
is_sanitized || ((took < 2000)) || fail "another Pod's drop is told after $took ms" # one second, and one for a busy machine
stop_agent

expect_event "$ledger" 1 "Packet dropped when $told."
expect_events 11 "^$checkout "
expect_events 1 "^$checkout .* sending traffic to more than 256 addresses, e.g. 10\.128\.0\.[0-9]*, on port 1024/TCP\.$"
[[ $(total "^$checkout ") == $((reported - 1)) ]] || fail "it hears of $(total "^$checkout "), not $((reported - 1))"
