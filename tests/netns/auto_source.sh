#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# --source=auto takes NFLOG if it can, else the log file, else the kernel log, and says why.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

touch "$work/iptables.log"

# A bound group that nobody logs to is said to be one, with what the rules here do instead.
says() { # WHAT REGEX...: one line of that level has all of these
  local line regex
  line=$(grep -E "$1.*No rule of this node logs to group 100" "$work/agent.log") || line=
  [[ $line && $(wc -l <<< "$line") == 1 ]] || fail "not one $1 that no rule logs to us"
  for regex in "${@:2}"; do
    grep -Eq -e "$regex" <<< "$line" || fail "does not say '$regex': $line"
  done
}
start_agent --source=auto
says warn 'iptables -A CHAIN -j NFLOG --nflog-group 100'
stop_agent
iptables -N cali-pi-x
iptables -A cali-pi-x -j LOG --log-prefix 'calico-packet: '
: > "$work/agent.log"
start_agent --source=auto --log-file="$work/iptables.log"
says warn "1 rule of Calico logs to the kernel's log .*\"calico-packet: \"" \
  '--log-file is not read: --source=file would'
stop_agent
: > "$work/agent.log"
start_agent --source=nflog
says info "1 rule of Calico logs to the kernel's log"
stop_agent
: > "$work/agent.log"

log_and_drop -o cali-ledger
start_agent --source=auto --log-file="$work/iptables.log"
expect_metric 'source_active{source="nflog"}' 1
! grep -q 'No rule' "$work/agent.log" || fail "complains, though rules log to us"
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
