#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# LOG rules, a real journald, Events; and what a process writes into the kernel's log makes none.
# Alone: the kernel's log is the machine's.
# shellcheck source=tests/netns/kernel_log.inc
. "$(dirname "$0")/kernel_log.inc"

readonly journald=/lib/systemd/systemd-journald
if [[ ! -x $journald || ! -s /etc/machine-id ]]; then
  echo "needs $journald and a machine ID"
  exit 77
fi

# With a /run of its own, which the node is, it keeps its journal there and listens to no one else.
mkdir -p /run/systemd/journal /run/log/journal
"$journald" > "$work/journald.log" 2>&1 &
# What it says when it has read what the kernel had logged before.
written() { grep -qs 'Journal started' /run/log/journal/*/system.journal; }
wait_until 10 written || fail "journald writes nothing: $(cat "$work/journald.log")"

log_to_kernel_and_drop -o cali-ledger
start_agent --source=journal --log-prefix="$log_prefix"
checkout_tries "$ledger_ipv4" tcp/5432 udp/53 ping
checkout_tries "$ledger_ipv6" tcp/5432 udp/53 ping
in_pod checkout "$flood" "$ledger_ipv4" 8125 1 100
echo "<4>kernel: $log_prefix IN=a OUT=b SRC=10.1.0.2 DST=10.1.0.3 LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=1" \
  'PROTO=UDP SPT=4 DPT=66 LEN=8 ' > /dev/kmsg # a process that poses as the kernel
expect_metric seen_total 106 10
stop_agent
for family in 4 6; do
  for way in 'on port 5432/TCP' 'on port 53/UDP' 'over ICMP echo-request'; do
    expect_both "$family" 1 "$way$by_our_rule"
  done
done
expect_both 4 100 "on port 8125/UDP$by_our_rule"
expect_events 14 .
(($(kernel_logged) == 106)) || fail "the rules logged $(kernel_logged)"
