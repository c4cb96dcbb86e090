#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A growing iptables log makes the same Events: new whole lines count, whatever else stands there.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

readonly log=$work/iptables.log
readonly wide_src=fd00:0001:0000:0000:0000:0000:0000:0002 # as the kernel writes fd00:1::2
readonly wide_dst=fd00:0001:0000:0000:0000:0000:0000:0003
readonly ip='TOS=0x00 PREC=0x00 TTL=63 ID=1 DF' ip6='TC=0 HOPLIMIT=63 FLOWLBL=1'
tcp() { echo "PROTO=TCP SPT=40000 DPT=$1 WINDOW=64240 RES=0x00 SYN URGP=0"; }
udp() { echo "PROTO=UDP SPT=40000 DPT=$1 LEN=40"; }

log_lines <<< "policy-drop: $checkout_ipv4 $ledger_ipv4 $ip $(tcp 99)" > "$log" # before the start
start_agent --source=file --log-file="$log" --log-prefix=policy-drop:
log_lines << END >> "$log"
policy-drop: $checkout_ipv4 $ledger_ipv4 $ip $(tcp 5432)
policy-drop: $checkout_ipv4 $ledger_ipv4 $ip $(udp 53)
policy-drop: $checkout_ipv4 $ledger_ipv4 $ip PROTO=ICMP TYPE=8 CODE=0 ID=7 SEQ=1
policy-drop: $wide_src $wide_dst $ip6 $(tcp 5432)
policy-drop: $wide_src $wide_dst $ip6 PROTO=ICMPv6 TYPE=128 CODE=0 ID=7 SEQ=1
another-rule: $checkout_ipv4 $ledger_ipv4 $ip $(udp 99)
END
echo 'Jan  5 08:00:02 node-1 kernel: [ 1235.000000] cali-b: link becomes ready' >> "$log"

expect_events 10 .
expect_events 5 "^$ledger 1 Packet dropped when receiving traffic from shop/checkout "
expect_events 4 'on port 5432/TCP'
expect_events 2 'IP: fd00:1::[23].* over ICMP echo-request'
expect_events 0 'on port 99'
expect_metric 'suppressed_total{why="unknown_prefix"}' 1

# Half a line says nothing yet: here "DPT=80" of 8080.
line=$(log_lines <<< "policy-drop: $checkout_ipv4 $ledger_ipv4 $ip $(tcp 8080)")
printf '%s' "${line%%80 WINDOW*}" >> "$log"
expect_events 10 .
printf '%s\n' "80 WINDOW${line#*80 WINDOW}" >> "$log"
expect_events 2 'on port 8080/TCP'
expect_events 0 'on port 80/TCP'

# A line that was cut for good is refused and counted, and the next one is read.
printf '%s\n' "${line%%DPT=*}" >> "$log"
log_lines <<< "policy-drop: $checkout_ipv4 $ledger_ipv4 $ip $(tcp 8081)" >> "$log"
expect_events 2 'on port 8081/TCP'
expect_metric 'lost_total{where="undecodable"}' 1

# A rotated log is read to its end, then the new one.
mv "$log" "$log.1"
log_lines <<< "policy-drop: $checkout_ipv4 $ledger_ipv4 $ip $(tcp 8082)" >> "$log.1"
log_lines <<< "policy-drop: $checkout_ipv4 $ledger_ipv4 $ip $(tcp 8083)" >> "$log"
expect_events 2 'on port 8082/TCP'
expect_events 2 'on port 8083/TCP'
stop_agent

# Without --log-prefix the prefix must say that it drops. One that does not is told of once, with the flag to add.
start_agent --source=file --log-file="$log"
log_lines << END >> "$log"
my-drop: $checkout_ipv4 $ledger_ipv4 $ip $(udp 70)
fw-web: $checkout_ipv4 $ledger_ipv4 $ip $(udp 71)
fw-web: $checkout_ipv4 $ledger_ipv4 $ip $(udp 71)
END
expect_metric 'suppressed_total{why="unknown_prefix"}' 2
expect_events 2 'on port 70/UDP: by rule "my-drop:"'
expect_events 0 'on port 71'
(($(grep -c 'prefix "fw-web:" are not counted .* give --log-prefix="fw-web:"' "$work/agent.log") == 1)) ||
  fail 'fw-web: is not told of once'
stop_agent

# A file that is mounted alone is not followed through its rotation; of the one above nothing was said.
touch "$work/mounted.log"
grep -q 'is a mount of its own' "$work/agent.log" && fail 'warns of a log in a directory'
mount --bind "$log" "$work/mounted.log"
start_agent --source=file --log-file="$work/mounted.log"
grep -q 'is a mount of its own: .* Mount the directory' "$work/agent.log" || fail 'does not warn of a log that is a mount'
stop_agent
"$agent_binary" --check --source=file --log-file="$work/mounted.log" "${offline[@]}" > "$work/check" || true
grep -q '^warn .*is a mount of its own' "$work/check" || fail "--check does not warn of it: $(cat "$work/check")"
