#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# --source=auto takes NFLOG if it can, else the log file, else the kernel log, and says why.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

log_and_drop -o cali-ledger
touch "$work/iptables.log"
start_agent --source=auto --log-file="$work/iptables.log"
expect_metric 'source_active{source="nflog"}' 1
checkout_tries "$ledger_ipv4" tcp/5432
expect_events 2 'on port 5432/TCP'
first=$agent

# A second agent finds the group taken.
launch_agent --listen=127.0.0.1:9479 --source=auto --log-file="$work/iptables.log"
wait_until 5 grep -Eq 'group 100.*held' "$work/agent.log" || fail "does not say why not NFLOG"
wait_until 5 curl -fs -o "$work/metrics" 127.0.0.1:9479/metrics
grep -q 'source_active{source="file"} 1' "$work/metrics" || fail "does not read the log file"
log_lines >> "$work/iptables.log" << END
policy-drop: $checkout_ipv4 $ledger_ipv4 TOS=0x00 PREC=0x00 TTL=63 ID=1 PROTO=UDP SPT=4 DPT=53 LEN=8
END
expect_events 2 'on port 53/UDP'
stop_agent
agent=$first
stop_agent

run_as=(setpriv --inh-caps=-all --bounding-set=-net_admin)
if [[ -c /dev/kmsg ]]; then # neither: the kernel log
  start_agent --source=auto --log-file="$work/no-such.log"
  expect_metric 'source_active{source="kmsg"}' 1
  grep -q 'Reading the kernel log instead of NFLOG.*NET_ADMIN.*no-such.log' "$work/agent.log" ||
    fail 'does not say why the kernel log'
  stop_agent
  mount --bind /dev/null /dev/kmsg # as some container runtimes do
fi
# Nor that one: one paragraph tells every reason.
refuses 77 'NET_ADMIN.*no-such.log.*/dev/kmsg' --source=auto --log-file="$work/no-such.log"
refuses 77 'NET_ADMIN.*--log-file is not given.*/dev/kmsg' --source=auto
refuses 69 '/dev/kmsg' --source=kmsg
