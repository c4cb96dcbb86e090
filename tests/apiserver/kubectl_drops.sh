#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kubectl drops, the plugin, with a real kubectl and server, on Events that the agent made.
# shellcheck source=tests/apiserver/common.inc
. "$(dirname "$0")/common.inc"

start_cluster
add_two_pods
iptables -I FORWARD -p udp -o cali-ledger -j NFLOG --nflog-group 100 --nflog-prefix drop:payments/default-deny
iptables -I FORWARD 2 -p udp -o cali-ledger -j DROP
mkdir "$work/bin"
ln -s "$root/deploy/kubectl-drops" "$work/bin/"
PATH=$work/bin:$(dirname "$KUBECTL"):$PATH
export PATH
# As kubectl finds its plugins.
drops() { command kubectl drops "$@"; }

step Nothing "is said so"
drops -A > "$work/out" 2> "$work/err"
grep -q 'No drops are known: no Event says PacketDrop' "$work/err" || fail "it says: $(cat "$work/out" "$work/err")"

start_agent "${promptly[@]}"
checkout_sends 3 udp/53
expect_event "$ledger" 3 'Packet dropped when receiving traffic from shop/checkout (IP: 10.1.0.2) on port 53/UDP: denied by NetworkPolicy payments/default-deny.'
checkout_sends 1 tcp/5432
in_pod checkout "$root/scripts/lib/talk" to "$ledger_ipv6" ping > /dev/null || true
expect_event "$ledger" 1 "$(received 5432/TCP)"
expect_event "$ledger" 1 "Packet dropped when receiving traffic from shop/checkout (IP: $checkout_ipv6) over ICMP echo-request."

step Table "aligned, both ends"
drops -A > "$work/out" || fail "it fails"
cat "$work/out"
# row POD WAY PEER PORT COUNT [CAUSE]: there is this one, whatever its age.
row() {
  awk -v want="$1|$2|$3|$4|$5|${6:-}" '
    { line = $0; gsub(/  +/, "|", line); sub(/\|$/, "", line); n = split(line, f, "|") }
    f[1] "|" f[2] "|" f[3] "|" f[4] "|" f[5] "|" (n > 6 ? f[7] : "") == want && f[6] ~ /^[0-9]+s$/ { found = 1 }
    END { exit !found }' "$work/out" || fail "no row: $*"
}
row "$ledger" from "shop/checkout (IP: 10.1.0.2)" 53/UDP 3 "denied by NetworkPolicy payments/default-deny"
row "$checkout" to "payments/ledger (IP: 10.1.0.3)" 53/UDP 3 "denied by NetworkPolicy payments/default-deny"
row "$ledger" from "shop/checkout (IP: 10.1.0.2)" 5432/TCP 1
row "$ledger" from "shop/checkout (IP: $checkout_ipv6)" "ICMP echo-request" 1
[[ $(wc -l < "$work/out") == 7 ]] || fail "more or less than a head and six rows"
[[ $(awk '{ print index($0, $2) }' "$work/out" | sort -u | wc -l) == 1 ]] || fail "it is not aligned"

step Choice "of a namespace, of a Pod, of a reason"
drops -n payments > "$work/out"
[[ $(wc -l < "$work/out") == 4 ]] || fail "payments: $(cat "$work/out")"
drops "${checkout#*/}" --namespace shop > "$work/out"
[[ $(wc -l < "$work/out") == 4 ]] || fail "checkout: $(cat "$work/out")"
drops -A --reason=Other > "$work/out" 2> "$work/err"
[[ ! -s $work/out ]] || fail "of another reason: $(cat "$work/out")"
if drops -A --kubeconfig=/nowhere > "$work/out" 2> "$work/err"; then fail "kubectl's failure is none of ours"; fi

step Services "are named, whatever the address that was written to"
add_drop() { # NAME MESSAGE: of checkout's; what a kernel with the conntrack glue makes the agent tell
  jq -n --arg name "$1" --arg message "$2" --arg pod "${checkout#*/}" '{apiVersion: "v1", kind: "Event",
    metadata: {$name, namespace: "shop"}, involvedObject: {apiVersion: "v1", kind: "Pod", namespace: "shop", name: $pod},
    reason: "PacketDrop", type: "Warning", $message, count: 1, lastTimestamp: (now | todate)}' | kubectl create -f - > /dev/null
}
to='Packet dropped when sending traffic to payments/ledger (IP: 10.1.0.3)' by='denied by NetworkPolicy payments/default-deny'
add_drop a "$to on port 5432/TCP (Service payments/ledger-db 10.96.0.17:5432): $by."
add_drop b "$to on port 5433/TCP (Service address 10.96.0.17:5433)."
add_drop c "$to over ICMP echo-request (Service payments/ledger-db fd00:96::17): $by."
drops -A > "$work/out"
row "$checkout" to "payments/ledger (IP: 10.1.0.3)" 5432/TCP 1 "$by; by Service payments/ledger-db 10.96.0.17:5432"
row "$checkout" to "payments/ledger (IP: 10.1.0.3)" 5433/TCP 1 "by Service address 10.96.0.17:5433"
row "$checkout" to "payments/ledger (IP: 10.1.0.3)" "ICMP echo-request" 1 "$by; by Service payments/ledger-db fd00:96::17"

step Watch "shows what comes"
drops -A --watch > "$work/watched" &
watching=$!
lines_watched() { (($(wc -l < "$work/watched") >= $1)); }
wait_until 15 lines_watched 10 || fail "it watches nothing"
checkout_sends 1 tcp/9999
shows_new() { grep -q '  from  .*  9999/TCP  *1  ' "$work/watched"; }
wait_until 15 shows_new || fail "the new drop is not shown: $(cat "$work/watched")"
kill "$watching"
stop_agent
