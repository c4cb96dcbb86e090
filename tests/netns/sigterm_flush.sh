#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SIGTERM in the middle of a burst: all that was logged before it is in the Events, and the exit
# status is 0.
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
