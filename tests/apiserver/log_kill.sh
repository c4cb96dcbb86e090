#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A log's reader with --state-dir, killed again and again amid writes to the API server, at any moment: the Events on
# both Pods count every line once. So they do after the log was rotated while nobody read it.
# shellcheck source=tests/apiserver/common.inc
. "$(dirname "$0")/common.inc"

readonly kills=5 log=$work/iptables.log
ip="SRC=$checkout_ipv4 DST=$ledger_ipv4 LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=1 PROTO=TCP SPT=4000"
written=0

lines() { # N: so many, for ports 1001 to 1005 in turn
  local n
  for ((n = 0; n < $1; ++n)); do
    written=$((written + 1))
    printf '%s node-1 kernel: policy-drop: IN=cali-a OUT=cali-b MAC= %s DPT=%s WINDOW=1 RES=0x00 SYN URGP=0 \n' \
      "$(date +%FT%T.%6N%:z)" "$ip" $((1001 + written % 5)) >> "$log"
  done
}
start_reader() {
  agent_starts=$((agent_starts + 1))
  agent_log=$work/agent-$agent_starts.log
  "$agent_binary" --source=file --log-file="$log" --log-prefix=policy-drop: --state-dir="$work/state" \
    --node-name="$NODE_NAME" --kubeconfig="$AGENT_KUBECONFIG" --listen="${probes#http://}" "${promptly[@]}" \
    --update-interval=300ms --update-interval-max=300ms > "$agent_log" 2>&1 &
  agent=$!
  wait_until 15 agent_ready || fail "the agent does not get ready"
}

start_cluster
add_two_pods
touch "$log"
start_reader

step Kills "$kills, each amid 250 lines"
for ((kill = 0; kill < kills; ++kill)); do
  lines 150
  sleep "0.$((RANDOM % 900 + 100))"
  lines 100
  sleep "$((RANDOM % 2)).$((RANDOM % 900 + 100))"
  kill_agent
  if ((kill == kills / 2)); then mv "$log" "$log.1" && touch "$log"; fi
  lines 50
  start_reader
done
stop_agent

each=$((written / 5))
for port in {1001..1005}; do
  expect_event "$ledger" $each "$(received "$port/TCP" | sed 's/\.$/: by rule "policy-drop:"./')"
  expect_event "$checkout" $each "$(sent "$port/TCP" | sed 's/\.$/: by rule "policy-drop:"./')"
done
expect_only_events "$ledger" 5
expect_only_events "$checkout" 5
say "            $written lines, told once each"
