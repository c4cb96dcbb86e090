#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The demo with a cluster ends with what kubectl describe pod truly says about both Pods.
set -euo pipefail

root=$(cd "$(dirname "$(realpath "$0")")/../.." && pwd)
. "$root/scripts/lib/say.sh"
output=$(mktemp)
trap 'rm -f "$output"' EXIT

"$root/scripts/demo" --cluster > "$output" 2>&1 || die "scripts/demo --cluster failed: $(cat "$output")"
for words in \
  'Warning .*PacketDrop .*x3 over .* kube-nflog .*receiving traffic from shop/checkout \(IP: 10.1.0.2\) on port 5432/TCP' \
  'Warning .*PacketDrop .*x3 over .* kube-nflog .*sending traffic to payments/ledger \(IP: 10.1.0.3\) on port 5432/TCP' \
  'Warning .*PacketDrop .* kube-nflog .*receiving traffic from shop/checkout \(IP: 10.1.0.2\) on port 53/UDP' \
  'Warning .*PacketDrop .* kube-nflog .*sending traffic to payments/ledger \(IP: fd00:1::3\) over ICMP echo-request'; do
  grep -Eq "$words" "$output" || die "kubectl describe lacks '$words': $(cat "$output")"
done
