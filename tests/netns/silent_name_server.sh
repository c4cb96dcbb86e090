#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The API server has a name, and the DNS server does not answer: that holds up neither the exit nor, meanwhile, the
# agent, which has counted the drop that it could not tell.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

printf '%s\n' 'nameserver 127.0.0.1' 'options timeout:30 attempts:1' > "$work/resolv.conf"
mount --bind "$work/resolv.conf" /etc/resolv.conf
python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 53))
print(s.recv(512), flush=True)
time.sleep(300)' > "$work/asked" &
is_asked() { [[ -s $work/asked ]]; }

log_and_drop -o cali-ledger
offline=(--sink=kubernetes --api-server=https://api.example:6443 --node-name="$NODE_NAME")
launch_agent --listen="$probes"
wait_until 10 is_asked || fail "the API server's name is not looked up"
checkout_tries "$ledger_ipv4" tcp/5432
expect_metric seen_total 1
is_live() { curl -fs -m 1 -o "$work/live" "http://$probes/livez"; }
is_live || fail "it hangs"
stop_agent
grep -q 'stopped: seen 1, .*lost 1 (unflushed 1)' "$work/agent.log" || fail "the drop is in no ledger"
