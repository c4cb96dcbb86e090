#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Packets of every strange kind, and netlink messages forged from user space: no crash, no false
# Event, none uncounted.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

log_and_drop -o cali-ledger
start_agent

sent=$(in_pod checkout "$root/tests/netns/garbage.py" packets "$checkout_ipv4" "$ledger_ipv4")
expect_logged "$sent"
expect_metric seen_total "$sent"
expect_events 2 'on port 3868/SCTP'
expect_events 2 'over protocol 253'
expect_events 0 'on port 65535/' # of a later fragment, which has no ports

# Only the kernel's own messages count.
seen=$(metric seen_total)
portid=$(awk '$1 == 100 { print $2 }' /proc/net/netfilter/nfnetlink_log)
"$root/tests/netns/garbage.py" datagrams "$portid"
checkout_tries "$ledger_ipv4" tcp/5433
expect_events 2 'on port 5433/TCP'
expect_metric seen_total $((seen + 1))
expect_events 0 'on port 666/'
stop_agent
