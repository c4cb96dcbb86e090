#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# With --state-dir a restart neither loses nor repeats a line of the log, though it was rotated meanwhile; after a kill
# nothing is lost. And a log that is not there yet is waited for.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

mkdir "$work/logs"
readonly log=$work/logs/iptables.log
ip='TOS=0x00 PREC=0x00 TTL=63 ID=1 PROTO=UDP SPT=4000'
dropped() { # PORT...: a line each
  local port
  for port in "$@"; do
    log_lines <<< "policy-drop: $checkout_ipv4 $ledger_ipv4 $ip DPT=$port LEN=40" | sed "s/^Jan  5 08:00:01/$(date '+%b %e %T')/"
  done
}
agent_start() { # what it tells from now on is $work/events
  : > "$work/events"
  start_agent --source=file --log-file="$log" --log-prefix=policy-drop: --state-dir="$work/state"
}
tells_ports() { # PORT...: these and no others, each of one packet
  wait_until 5 has_events $((2 * $#)) . || fail "not the Events on the ports $*: $(events)"
  local port what="Packet dropped when receiving traffic from shop/checkout (IP: $checkout_ipv4)"
  for port in "$@"; do expect_event "$ledger" 1 "$what on port $port/UDP: by rule \"policy-drop:\"."; done
}

# The log comes late: not ready until then.
: > "$work/events"
launch_agent --listen="$probes" --source=file --log-file="$log" --log-prefix=policy-drop: --state-dir="$work/state"
wait_until 10 grep -q 'waiting for it' "$work/agent.log" || fail 'does not say that it waits'
sleep 0.3
agent_ready && fail 'is ready without a log'
dropped 1 2 > "$log"
wait_until 5 agent_ready || fail 'does not notice that the log has come'
tells_ports 1 2
stop_agent

# While it is away the log is rotated, twice.
dropped 3 >> "$log"
mv "$log" "$log.2"
sleep 0.05 # file systems' clocks are coarse
dropped 4 > "$log.1"
sleep 0.05
dropped 5 > "$log"
agent_start
tells_ports 3 4 5
sleep 5 # a position is kept once a second
kill -KILL "$agent"
wait "$agent" 2> /dev/null || true

# Nothing twice, and nothing lost of what was copied and truncated away.
dropped 6 >> "$log"
cp "$log" "$log.0"
dropped 7 8 9 > "$log"
agent_start
tells_ports 6 7 8 9
stop_agent
agent_start
sleep 1
expect_events 0 .
stop_agent

# A log that was empty then, and was copied and truncated away since: there are no words to know the copy by.
rm -r "$work/state" "$log".*
: > "$log"
agent_start
sleep 5
kill -KILL "$agent"
wait "$agent" 2> /dev/null || true
dropped 10 11 >> "$log"
cp "$log" "$log.1"
dropped 12 > "$log"
agent_start
tells_ports 10 11 12
