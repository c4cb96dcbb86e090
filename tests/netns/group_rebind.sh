#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One of two groups is held by another process: the other group is read at once, the held one as soon as it is free,
# and CAP_NET_ADMIN is kept for that long, by the thread that binds alone.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

# capabilities: of each of the agent's threads that has any: its name, and which.
capabilities() {
  awk '$1 == "Name:" { name = $2 } /^Cap(Inh|Prm|Eff|Bnd|Amb):/ && $2 !~ /^0+$/ { print name, $1, $2 }' \
    "/proc/$agent"/task/*/status
}

"$root/tests/netns/hold_group.py" 101 > "$work/held" &
holder=$!
wait_until 5 test -s "$work/held"

iptables -A FORWARD -p tcp -m multiport --dports 5432,5434 -j NFLOG --nflog-group 100
iptables -A FORWARD -p tcp --dport 5433 -j NFLOG --nflog-group 101
iptables -A FORWARD -o cali-ledger -j DROP
start_agent --source=nflog --nflog-group=101,100
grep -q "group 101 is already held by python3 (pid $holder), netlink port id $(< "$work/held")\." "$work/agent.log" ||
  fail "does not name the holder, python3 (pid $holder)"
expect_metric 'nflog_group_bound{group="100"}' 1
expect_metric 'nflog_group_bound{group="101"}' 0
# A sanitizer's own thread is not ours to drop capabilities in.
is_sanitized || [[ $(capabilities) == "ingest CapPrm: 0000000000001000"$'\n'"ingest CapEff: 0000000000001000" ]] ||
  fail "these capabilities are kept while waiting: $(capabilities)"
checkout_tries "$ledger_ipv4" tcp/5432 tcp/5433
expect_events 2 'on port 5432/TCP'
expect_events 0 'on port 5433/TCP'

kill -KILL "$holder"
expect_metric 'nflog_group_bound{group="101"}' 1 20
expect_metric nflog_group_rebinds_total 1
wait_until 5 grep -q 'group 101 is free at last' "$work/agent.log" || fail "does not tell that group 101 is bound"
no_capabilities() { [[ -z $(capabilities) ]]; }
is_sanitized || wait_until 5 no_capabilities || fail "these capabilities are still held: $(capabilities)"
checkout_tries "$ledger_ipv4" tcp/5433
expect_events 2 'on port 5433/TCP'
expect_metric 'lost_total{where="netlink_overrun"}' 0
expect_ledger_balances
stop_agent

# Held, and without the right to bind it once it is free: that is said as soon as it shows, not waited for.
"$root/tests/netns/hold_group.py" 100 > "$work/held-now" &
holder=$!
wait_until 5 test -s "$work/held-now"
run_as=(setpriv --inh-caps=-all --bounding-set=-all)
launch_agent --source=nflog --wait-for-group
says_held() { grep -q 'group 100 is already held' "$work/agent.log"; }
wait_until 10 says_held || fail "it does not wait"
kill -KILL "$holder"
wait_until 20 agent_gone || fail "it waits for ever"
status=0
wait "$agent" || status=$?
((status == 77)) || fail "it ended with $status"
grep -q 'NET_ADMIN is missing' "$work/agent.log" || fail "it does not say what is missing"
run_as=() agent=

# The only group is held: an error, unless told to wait.
"$root/tests/netns/hold_group.py" 100 > "$work/held-again" &
holder=$!
wait_until 5 test -s "$work/held-again"
refuses 75 'group 100.*held by python3' --source=nflog
start_agent --source=nflog --wait-for-group
expect_metric 'nflog_group_bound{group="100"}' 0
kill -KILL "$holder"
expect_metric 'nflog_group_bound{group="100"}' 1 20
checkout_tries "$ledger_ipv4" tcp/5434
expect_events 2 'on port 5434/TCP'
