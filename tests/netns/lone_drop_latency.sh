#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A lone drop is told at once: from the packet to the line on stdout, 50 times.
# Alone: it measures time.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

log_and_drop -o cali-ledger
start_agent
measure() { in_pod checkout "$root/tests/netns/latency.py" "$ledger_ipv4" "$work/events" 50; }
read -r p50 p99 max < <(measure)
say "packet to line: p50 $p50 ms, p99 $p99 ms, max $max ms"
is_sanitized && exit # all were told
# Loose, for a busy machine; the kernel alone holds a lone record for 10 ms.
awk -v p50="$p50" 'BEGIN { exit !(p50 < 100) }' || fail "p50 is $p50 ms"
