#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A burst of 200,000 drops over 1,000 flows: every packet that the rule counted is accounted for.
# Alone: it floods.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

log_and_drop -o cali-ledger
start_agent --repeat-interval=1s --update-interval=1s --update-interval-max=1s
in_pod checkout "$flood" "$ledger_ipv4" 20000 1000 200000
expect_all_accounted_for in_pod checkout "$flood" "$ledger_ipv4" 20000 1 1
expect_ledger_balances
(($(logged_packets) > 200000)) || fail "the rule logged $(logged_packets) packets only"
say "$(logged_packets) logged: $(ledger); $(grep VmHWM "/proc/$agent/status")"

reported=$(metric reported_total)
stop_agent
for pod in "$ledger" "$checkout"; do
  expect_events 1000 "^$pod "
  [[ $(total "^$pod ") == "$reported" ]] || fail "$pod hears of $(total "^$pod "), not $reported"
done
