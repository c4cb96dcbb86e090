#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Packets that the kernel had to drop from a full socket buffer are counted as lost, to the packet.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

log_and_drop -o cali-ledger
start_agent --rcvbuf-bytes=64KiB
kill -STOP "$agent"
in_pod checkout "$flood" "$ledger_ipv4" 5432 1 50000
kill -CONT "$agent"

# A loss shows when the next record arrives.
all_accounted_for() {
  in_pod checkout "$flood" "$ledger_ipv4" 5432 1 1
  (($(metric seen_total) + $(metric 'lost_total{where="netlink_overrun"}') == $(logged_packets)))
}
wait_until 20 all_accounted_for || fail "the rule logged $(logged_packets); $(ledger)"
lost=$(metric 'lost_total{where="netlink_overrun"}')
((lost > 0)) || fail "50,000 packets fitted into 64 KiB: this test tests nothing"
grep -q -e '--rcvbuf-bytes' "$work/agent.log" || fail "does not say which flag helps"
seen=$(metric seen_total)
say "$(logged_packets) logged, $seen seen, $lost lost"
stop_agent
expect_event "$ledger $seen Packet dropped when receiving traffic from shop/checkout (IP: $checkout_ipv4) on port 5432/UDP."
