#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A kernel without nfnetlink_log, or without nfnetlink: exit status 69, what it lacks and what to do. --source=auto reads
# the log file then.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

# Preloaded, it comes before a sanitizer's own library.
lesser=(env LD_PRELOAD="$(dirname "$agent_binary")/tests/liblesser_kernel.so"
  ASAN_OPTIONS="${ASAN_OPTIONS:-}:verify_asan_link_order=0")

run_as=("${lesser[@]}")
refuses 69 'group 100 .*lacks nfnetlink_log.*modprobe nfnetlink_log.*--source=file' --source=nflog
run_as=("${lesser[@]}" NO_NFNETLINK=1)
refuses 69 'Protocol not supported.*CONFIG_NETFILTER_NETLINK.*--source=file' --source=nflog
(($(wc -l < "$work/paragraph") == 1)) || fail "more than a paragraph: $(cat "$work/paragraph")"

run_as=("${lesser[@]}")
touch "$work/iptables.log"
start_agent --source=auto --log-file="$work/iptables.log"
expect_metric 'source_active{source="file"}' 1
grep -q 'instead of NFLOG.*lacks nfnetlink_log' "$work/agent.log" || fail 'does not say why not NFLOG'
log_lines >> "$work/iptables.log" << END
policy-drop: $checkout_ipv4 $ledger_ipv4 TOS=0x00 PREC=0x00 TTL=63 ID=1 PROTO=UDP SPT=4 DPT=53 LEN=8
END
expect_events 2 'on port 53/UDP'
stop_agent
