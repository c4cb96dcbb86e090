#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A hundred packets of one kind, each from another source port, are one Event a side that says 100.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

log_and_drop -o cali-ledger
start_agent
for _ in {1..100}; do in_pod checkout "$flood" "$ledger_ipv4" 5432 1 1; done
expect_metric seen_total 100
expect_metric nflog_messages_total 100
expect_events 2 .

stop_agent # writes what it still holds
expect_both 4 100 'on port 5432/UDP'
expect_events 2 .
expect_logged 100
