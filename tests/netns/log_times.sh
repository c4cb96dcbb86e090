#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Old lines of a log are counted and make no Events, whatever the form of their times; a new line of another zone does.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

readonly log=$work/iptables.log
# line TIME PORT: of a UDP packet, as a syslog daemon writes it at TIME.
line() {
  local -r packet="$checkout_ipv4 $ledger_ipv4 TOS=0x00 PREC=0x00 TTL=63 ID=1 PROTO=UDP SPT=40000 DPT=$2 LEN=40"
  log_lines <<< "my-drop: $packet" | sed "s/^Jan  5 08:00:01/$1/"
}

: > "$log"
export TZ=UTC0
# As the DaemonSet of kube-iptables-tailer sets them.
export PACKET_DROP_EXPIRATION_MINUTES=20 PACKET_DROP_LOG_TIME_LAYOUT='2006-01-02T15:04:05Z07:00'
start_agent --source=file --log-file="$log"
grep -q 'PACKET_DROP_LOG_TIME_LAYOUT is set but not needed' "$work/agent.log" || fail 'the layout goes unremarked'
{
  line "$(date +%FT%TZ)" 1001
  line "$(date -d '-19 minutes' +%FT%T.%N%:z)" 1002
  line "$(TZ=XXX-9 date -d '-1 minute' +%FT%T%z)" 1003
  line "$(date '+%b %e %T')" 1004
  line "$(date -d '+1 hour' +%FT%TZ)" 1005
  line "$(date -d '-21 minutes' +%FT%TZ)" 99
  line "$(TZ=XXX9 date -d '-21 minutes' +%FT%T.%3N%:z)" 99
} >> "$log"
expect_events 10 'on port 100[1-5]/UDP'
expect_events 0 'on port 99/'
expect_metric 'lost_total{where="expired"}' 2
if grep 'carry no zone' "$work/agent.log"; then fail 'the zones are the same'; fi

# The node's clock is at UTC-5, the agent's at UTC.
line "$(TZ=EST5 date '+%b %e %T')" 2001 >> "$log"
expect_events 2 'on port 2001/UDP'
wait_until 5 grep -q 'carry no zone and are 5 h behind' "$work/agent.log" || fail 'no word about the zone'
expect_metric 'lost_total{where="expired"}' 2
expect_ledger_balances
