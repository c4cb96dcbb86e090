#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Records that the kernel's log had to overwrite before the agent read them are counted, all of them.
# Alone: the kernel's log is the machine's.
# shellcheck source=tests/netns/kernel_log.inc
. "$(dirname "$0")/kernel_log.inc"

# The numbers of all records that there are.
numbers() { { dd if=/dev/kmsg iflag=nonblock bs=8192 2> /dev/null || true; } | sed -n 's/^[0-9]*,\([0-9]*\),.*;.*/\1/p'; }

log_to_kernel_and_drop -o cali-ledger
start_agent --source=kmsg --log-prefix="$log_prefix"
in_pod checkout "$flood" "$ledger_ipv4" 5432 1 10
expect_metric seen_total 10
kill -STOP "$agent"
last_read=$(numbers | tail -n 1)
in_pod checkout "$flood" "$ledger_ipv4" 5432 1 50000
first_left=$(numbers | sed -n 1p)
kill -CONT "$agent"

gap=$((first_left - last_read - 1))
((gap > 0)) || fail "50,000 lines fitted into the log: this test tests nothing"
lost='lost_total{where="kmsg_overrun"}'
all_read() { (($(metric seen_total) + $(metric "$lost") >= $(kernel_logged))); }
wait_until $((10 * patience)) all_read || fail "the rules logged $(kernel_logged): $(ledger), $(metric "$lost") lost"
seen=$(metric seen_total)
say "$(kernel_logged) logged, $seen seen, $(metric "$lost") records lost, $gap by their numbers"
# Other lines of the kernel may have pushed some more out.
others=$((seen + $(metric "$lost") - $(kernel_logged)))
(($(metric "$lost") >= gap && others < 100)) || fail "lost are $(metric "$lost"), not $gap"
grep -q 'records of the kernel log were overwritten.*log_buf_len' "$work/agent.log" ||
  fail 'does not say what helps'
stop_agent
expect_both 4 "$seen" "on port 5432/UDP$by_our_rule"
