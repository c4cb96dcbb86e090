#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The demo does what README promises, with either kind of rules, and an interrupted one leaves
# nothing behind.
set -euo pipefail

root=$(cd "$(dirname "$(realpath "$0")")/../.." && pwd)
. "$root/scripts/lib/say.sh"
output=$(mktemp)
trap 'rm -f "$output"' EXIT
failed() { die "$*; the demo said: $(cat "$output")"; }

for rules in '' --nft; do
  # shellcheck disable=SC2086  # an empty word is none
  "$root/scripts/demo" $rules > "$output" 2>&1 || failed "scripts/demo $rules"
  for words in \
    'receiving traffic from shop/checkout (IP: 10.1.0.2) on port 5432/TCP' \
    'sending traffic to payments/ledger (IP: 10.1.0.3) on port 53/UDP' \
    'receiving traffic from shop/checkout (IP: 10.1.0.2) over ICMP echo-request' \
    'sending traffic to payments/ledger (IP: fd00:1::3) on port 5432/TCP'; do
    grep -qF "Packet dropped when $words" "$output" || failed "scripts/demo $rules lacks '$words'"
  done
  if grep -qF 'on port 8443' "$output"; then failed "an Event about what is allowed"; fi
done

# Ctrl-C amid the traffic: SIGINT to the demo's process group.
set -m
DEMO_OF_THIS_TEST=$$ "$root/scripts/demo" > "$output" 2>&1 &
demo=$!
wait_until 20 grep -q '^Traffic' "$output" || failed "no traffic after 20 s"
kill -INT -- "-$demo"
status=0
wait "$demo" || status=$?
((status == 130)) || failed "an interrupted demo ended with $status"
left_behind() { grep -lzxF "DEMO_OF_THIS_TEST=$$" /proc/[0-9]*/environ 2> /dev/null; }
if left_behind; then failed "still running"; fi
