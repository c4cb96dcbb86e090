#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# --check tells what a start would meet, good and broken, takes nothing from an agent that runs, and
# looks into the rules of nft, iptables-nft and legacy iptables alike.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

# check STATUS [FLAG]...: what it finds is in $work/findings.
check() {
  local expected=$1 status=0
  shift
  timeout 20 "${run_as[@]}" "$agent_binary" --check "${offline[@]}" "$@" \
    > "$work/findings" 2> "$work/paragraph" || status=$?
  ((status == expected)) || fail "--check ended with $status, not $expected: $(cat "$work/findings")"
  [[ ! -s $work/paragraph ]] || fail "findings belong on stdout: $(cat "$work/paragraph")"
  ! grep -vE '^(ok  |info|warn|FAIL)  ' "$work/findings" || fail "that is no finding"
}
finds() { grep -Eq "^$1 +$2 +.*$3" "$work/findings" || fail "no '$1 $2 $3': $(cat "$work/findings")"; }

log_and_drop -o cali-ledger
check 0
finds ok kernel 'Linux .*nfnetlink_log'
finds ok capability 'NET_ADMIN'
finds ok 'group 100' 'Nobody holds it, and it can be bound'
finds ok rules '2 rules log to group 100 .*, which is read'
finds ok pods '2 Pods'
! grep -q "$(printf '\033')" "$work/findings" || fail "colour, and nobody looks"

# The agent keeps what it has, and goes on reading.
# shellcheck disable=SC2119
start_agent
check 0
finds ok 'group 100' "held by kube-nflog \(pid $agent\): the agent runs"
checkout_tries "$ledger_ipv4" tcp/5432
expect_events 2 'on port 5432/TCP'
stop_agent

# Another holder.
"$root/tests/netns/hold_group.py" 100 > "$work/holder" 2>&1 &
holder=$!
held() { grep -q '^ *100 ' /proc/net/netfilter/nfnetlink_log; }
wait_until 5 held
check 1 --source=nflog
finds FAIL 'group 100' "held by .*pid $holder.*--wait-for-group"
check 0 --source=nflog --wait-for-group
finds warn 'group 100' "pid $holder"
check 0 --source=nflog --nflog-group=100,101 # one of two will do for a start
kill "$holder"
wait "$holder" || true

# No capability.
run_as=(setpriv --inh-caps=-all --bounding-set=-net_admin)
check 1 --source=nflog
finds FAIL capability 'NET_ADMIN is missing'
finds info rules 'shows with NET_ADMIN only'
run_as=()

# Logs and files.
check 1 --source=file --log-file="$work/no-such.log" --state-dir=/proc/no-such
finds FAIL 'log file' "There is no $work/no-such.log"
finds FAIL 'state dir' '/proc/no-such'
finds warn rules "No rule of this node logs to the kernel's log"
: > "$work/iptables.log"
check 0 --source=file --log-file="$work/iptables.log" --state-dir="$work/state"
finds ok 'log file' "$work/iptables.log can be read"
finds ok 'state dir' "$work/state can be written"
[[ -z $(ls -A "$work/state") ]] || fail "left in the state directory: $(ls -A "$work/state")"
check 1 --pods="$work/no-such.json"
finds FAIL pods "$work/no-such.json"

# Whose rules: each kind of iptables, and nft.
nft add table inet mine
nft add chain inet mine forward '{ type filter hook forward priority 10; }'
nft add rule inet mine forward ip daddr 192.0.2.1 log group 7 prefix '"drop:shop/x"'
iptables-nft -N KUBE-POD-FW-X
iptables-nft -A KUBE-POD-FW-X -j NFLOG --nflog-group 100
ip6tables-nft -A FORWARD -j LOG --log-prefix 'DROP: '
if iptables-legacy -N cali-tw-x 2> "$work/legacy"; then
  iptables-legacy -A cali-tw-x -j NFLOG --nflog-group 1 --nflog-prefix 'DPI|default'
  ip6tables-legacy -t raw -N cali-log
  ip6tables-legacy -t raw -A cali-log -j NFLOG --nflog-group 8
fi
check 0
finds ok rules '3 rules of kube-router or k3s and others log to group 100'
finds warn rules '1 rule logs to group 7 \(in chain forward, prefix "drop:shop/x"\), which is not read'
finds info rules "1 rule logs to the kernel's log .*prefix \"DROP: \""
if [[ ! -s $work/legacy ]]; then
  finds info rules "1 rule of Calico logs to group 1 \(in chain cali-tw-x, .*Felix alone"
  finds warn rules '1 rule of Calico logs to group 8 \(in chain cali-log\)'
fi
