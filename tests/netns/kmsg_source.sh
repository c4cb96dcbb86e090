#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# LOG rules, /dev/kmsg, Events: with CAP_SYSLOG alone, which is given up then; told once each, over restarts and kill -9;
# and without CAP_SYSLOG a refusal that says so.
# Alone: the kernel's log is the machine's.
# shellcheck source=tests/netns/kernel_log.inc
. "$(dirname "$0")/kernel_log.inc"

log_to_kernel_and_drop -o cali-ledger
kmsg=(--source=kmsg --log-prefix="$log_prefix")

run_as=(setpriv --inh-caps=-all --bounding-set=-syslog)
refuses 77 '/dev/kmsg: .*CAP_SYSLOG.*' "${kmsg[@]}"
(($(wc -l < "$work/paragraph") == 1)) || fail "more than a paragraph: $(cat "$work/paragraph")"

# Without a state directory: from now on.
run_as=(setpriv --no-new-privs --inh-caps=-all "--bounding-set=-all,+syslog")
checkout_tries "$ledger_ipv4" tcp/1
start_agent "${kmsg[@]}"
expect_metric 'source_active{source="kmsg"}' 1
for set in CapInh CapPrm CapEff CapAmb; do
  held=$(awk -v set="$set:" '$1 == set { print $2 }' "/proc/$agent/status")
  [[ $held == 0000000000000000 ]] || fail "still holds $set $held"
done
checkout_tries "$ledger_ipv4" tcp/5432 udp/53 ping
checkout_tries "$ledger_ipv6" tcp/5432 udp/53 ping
in_pod checkout "$flood" "$ledger_ipv4" 8125 1 100
echo "<4>$log_prefix IN=a OUT=b SRC=10.1.0.2 DST=10.1.0.3 LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=1" \
  'PROTO=UDP SPT=4 DPT=66 LEN=8 ' > /dev/kmsg # a process that poses as the kernel
expect_metric seen_total 106
stop_agent
for family in 4 6; do
  for way in 'on port 5432/TCP' 'on port 53/UDP' 'over ICMP echo-request'; do
    expect_both "$family" 1 "$way$by_our_rule"
  done
done
expect_both 4 100 "on port 8125/UDP$by_our_rule"
expect_events 14 .
(($(kernel_logged) == 107)) || fail "the rules logged $(kernel_logged)"

# With one: also what was logged meanwhile, and nothing again, however the agent ended.
seen_at_least() { (($(metric seen_total) >= $1)); }
in_pod checkout "$flood" "$ledger_ipv4" 9001 1 3 # before the first start: not to be told
for ending in TERM KILL TERM; do
  start_agent "${kmsg[@]}" --state-dir="$work/state"
  in_pod checkout "$flood" "$ledger_ipv4" 9002 1 20
  wait_until 5 seen_at_least 20 || fail "has seen $(metric seen_total)"
  expect_metric 'lost_total{where="kmsg_overrun"}' 0
  if [[ $ending == TERM ]]; then
    stop_agent
  else
    kill -KILL "$agent"
    wait "$agent" || true
  fi
  in_pod checkout "$flood" "$ledger_ipv4" 9002 1 7 # while it is away
done
start_agent "${kmsg[@]}" --state-dir="$work/state"
wait_until 5 seen_at_least 7 || fail "has seen $(metric seen_total)"
stop_agent
expect_both 4 81 "on port 9002/UDP$by_our_rule"
expect_events 0 'on port 9001'
grep -q 'from record [0-9]*, as kept' "$work/agent.log" || fail 'does not say where it goes on'

# A position of an earlier boot, or none at all.
"$root/tests/netns/write_position.py" "$work/state" kmsg 'another-boot 7'
start_agent "${kmsg[@]}" --state-dir="$work/state"
grep -q "from the node's boot: it is a new one" "$work/agent.log" || fail 'does not say why'
stop_agent
echo 'something else' > "$work/state/kmsg.state"
start_agent "${kmsg[@]}" --state-dir="$work/state"
grep -q 'kmsg.state is not used: it is damaged' "$work/agent.log" || fail 'does not say so'
