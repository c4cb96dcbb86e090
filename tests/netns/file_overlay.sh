#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Where inotify cannot serve: a log below an overlay that is written beneath it is polled; and so through a rotation,
# after which it is another file, of the overlay itself.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

mkdir "$work"/{lower,upper,scratch,merged}
readonly lower=$work/lower/iptables.log log=$work/merged/iptables.log
ip='TOS=0x00 PREC=0x00 TTL=63 ID=1 PROTO=UDP SPT=4000'
dropped() { # PORT...: a line each
  local port
  for port in "$@"; do log_lines <<< "policy-drop: $checkout_ipv4 $ledger_ipv4 $ip DPT=$port LEN=40"; done
}
tells() { # PORT
  expect_event "$ledger" 1 \
    "Packet dropped when receiving traffic from shop/checkout (IP: $checkout_ipv4) on port $1/UDP: by rule \"policy-drop:\"."
}

touch "$lower"
mount -t overlay overlay -o "lowerdir=$work/lower,upperdir=$work/upper,workdir=$work/scratch" "$work/merged" 2> "$work/mount" || {
  cat "$work/mount"
  exit 77
}
start_agent --source=file --log-file="$log" --log-prefix=policy-drop:
dropped 1 >> "$lower"
tells 1
dropped 2 3 >> "$lower"
tells 2
tells 3
mv "$log" "$log.1"
dropped 4 >> "$log.1"
dropped 5 > "$log"
tells 4
tells 5
expect_metric seen_total 5
stop_agent
