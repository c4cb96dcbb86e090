#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A burst of 200,000 drops over 1,000 flows: every packet that the rule counted is accounted for.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

log_and_drop -o cali-ledger
start_agent --repeat-interval=1s --update-interval=1s --update-interval-max=1s
in_pod checkout "$flood" "$ledger_ipv4" 20000 1000 200000

# A loss shows when the next record arrives.
all_accounted_for() {
  in_pod checkout "$flood" "$ledger_ipv4" 20000 1 1
  (($(metric seen_total) + $(metric 'lost_total{where="netlink_overrun"}') == $(logged_packets)))
}
wait_until 30 all_accounted_for || fail "the rule logged $(logged_packets); $(ledger)"
expect_ledger_balances
(($(logged_packets) > 200000)) || fail "the rule logged $(logged_packets) packets only"
say "$(logged_packets) logged: $(ledger); $(grep VmHWM "/proc/$agent/status")"

reported=$(metric reported_total)
stop_agent
expect_events 1000 "^$ledger "
expect_events 1000 "^$checkout "
[[ $(total "^$ledger ") == "$reported" ]] || fail "the Events count $(total "^$ledger ") packets, not $reported"
