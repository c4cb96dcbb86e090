#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The demo does what README promises, with either kind of rules, and an interrupted one leaves nothing behind.
set -euo pipefail

root=$(cd "$(dirname "$(realpath "$0")")/../.." && pwd)
. "$root/scripts/lib/say.sh"
output=$(mktemp)
trap 'rm -f "$output"' EXIT

for rules in '' --nft; do
  # shellcheck disable=SC2086  # an empty word is none
  "$root/scripts/demo" $rules > "$output" 2>&1 || die "scripts/demo $rules failed: $(cat "$output")"
  for words in \
    'receiving traffic from shop/checkout (IP: 10.1.0.2) on port 5432/TCP' \
    'sending traffic to payments/ledger (IP: 10.1.0.3) on port 53/UDP' \
    'receiving traffic from shop/checkout (IP: 10.1.0.2) over ICMP echo-request' \
    'sending traffic to payments/ledger (IP: fd00:1::3) on port 5432/TCP'; do
    grep -qF "Packet dropped when $words" "$output" || die "scripts/demo $rules lacks '$words': $(cat "$output")"
  done
  if grep -qF 'on port 8443' "$output"; then die "an Event about what is allowed: $(cat "$output")"; fi
done

# Interrupted amid the traffic, as with Ctrl-C.
status=0
DEMO_OF_THIS_TEST=$$ timeout --signal=INT 2 "$root/scripts/demo" > "$output" 2>&1 || status=$?
grep -q '^Traffic' "$output" || die "the demo was not yet, or no longer, at work after 2 s: $(cat "$output")"
left_behind() { grep -lzxF "DEMO_OF_THIS_TEST=$$" /proc/[0-9]*/environ 2> /dev/null; }
nothing_left_behind() { ! left_behind > /dev/null; }
wait_until 2 nothing_left_behind || die "still running: $(left_behind)"
