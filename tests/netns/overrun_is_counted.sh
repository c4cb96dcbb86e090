#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Packets that the kernel had to drop from a full socket buffer are counted as lost, to the packet.
# Alone: it floods.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

log_and_drop -o cali-ledger
iptables -I FORWARD -o cali-ledger -p udp --dport 5433 -j NFLOG --nflog-group 101
iptables -I FORWARD 2 -o cali-ledger -p udp --dport 5433 -j DROP
start_agent --nflog-group=100,101 --rcvbuf-bytes=64KiB
in_pod checkout "$flood" "$ledger_ipv4" 5433 1 10
expect_metric 'nflog_messages_total{group="101"}' 10
kill -STOP "$agent"
in_pod checkout "$flood" "$ledger_ipv4" 5432 1 50000
sleep 0.2 # the last datagram is flushed, and dropped unless it is small enough
kill -CONT "$agent"

# The socket tells its loss at once, the sequence all of it only once a further record comes.
datagrams_dropped() { (($(metric nflog_datagrams_dropped_total) > 0)); }
wait_until 5 datagrams_dropped || fail "no datagram is said to be dropped"

in_pod checkout "$flood" "$ledger_ipv4" 5433 1 10
expect_metric 'nflog_messages_total{group="101"}' 20
expect_all_accounted_for in_pod checkout "$flood" "$ledger_ipv4" 5432 1 1
seen=$(metric seen_total)
say "$(logged_packets) logged, $seen seen, $(overrun) lost"
(($(overrun) > 0)) || fail "50,000 packets fitted into 64 KiB: this test tests nothing"
expect_metric 'nflog_lost_total{group="100"}' "$(overrun)"
expect_metric 'nflog_lost_total{group="101"}' 0
grep -q -e '--rcvbuf-bytes' "$work/agent.log" || fail "does not say which flag helps"
stop_agent
expect_both 4 $((seen - 20)) 'on port 5432/UDP'
