#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Packets that the kernel had to drop from a full socket buffer are counted as lost, to the packet.
# Alone: it floods.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

log_and_drop -o cali-ledger
start_agent --rcvbuf-bytes=64KiB
kill -STOP "$agent"
in_pod checkout "$flood" "$ledger_ipv4" 5432 1 50000
sleep 0.2 # the last datagram is flushed, and dropped
kill -CONT "$agent"

expect_all_accounted_for "$ledger_ipv4" 5432 1
seen=$(metric seen_total)
say "$(logged_packets) logged, $seen seen, $(overrun) lost"
(($(overrun) > 0)) || fail "50,000 packets fitted into 64 KiB: this test tests nothing"
grep -q -e '--rcvbuf-bytes' "$work/agent.log" || fail "does not say which flag helps"
stop_agent
expect_both 4 "$seen" 'on port 5432/UDP'
