#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The same packets of every kind, logged by the NFLOG target and by the LOG target: both readers tell of them alike.
# Alone: the kernel's log is the machine's.
# shellcheck source=tests/netns/kernel_log.inc
. "$(dirname "$0")/kernel_log.inc"

# told FILE: its Events without the cause, which the rules say differently.
told() {
  jq -rs 'map({(.metadata.namespace + "/" + .metadata.name): .}) | add // {} | .[] |
    (.metadata.annotations["kube-nflog/drop"] | fromjson | del(.cause)) as $facts |
    "\(.involvedObject.name) \(.count) \(.message | sub(": by rule .*"; ".")) \($facts)"' "$1" | sort
}

log_to_kernel_and_drop -o cali-ledger
for iptables in iptables ip6tables; do "$iptables" -I FORWARD -o cali-ledger -j NFLOG --nflog-group 100; done
launch_agent --source=nflog
by_nflog=$agent
bound() { grep -q '^ *100 ' /proc/net/netfilter/nfnetlink_log; }
wait_until 10 bound || fail 'NFLOG is not read'
mv "$work/events" "$work/nflog"
start_agent --source=kmsg --log-prefix="$log_prefix"

sent=$(in_pod checkout "$root/tests/netns/packets.py" 400 "$checkout_ipv4" "$ledger_ipv4" "$checkout_ipv6" "$ledger_ipv6")
expect_metric seen_total "$sent"
expect_logged "$sent"
expect_metric 'lost_total{where="undecodable"}' 0
stop_agent
agent=$by_nflog
stop_agent
told "$work/events" > "$work/told-by-kmsg"
told "$work/nflog" > "$work/told-by-nflog"
say "$sent packets, $(wc -l < "$work/told-by-kmsg") Events"
(($(wc -l < "$work/told-by-kmsg") > 600)) || fail 'too few Events to compare'
diff "$work/told-by-kmsg" "$work/told-by-nflog" || fail 'they differ: < of the LOG target, > of NFLOG'
