#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The agent as deploy/'s DaemonSet runs it: credentials from the ServiceAccount's files, IPv6
# address of the API server, read-only root, one capability, which it gives up. And its token is
# replaced and the old one revoked amid drops: nothing is lost, and the watch goes on.
# shellcheck source=tests/apiserver/common.inc
. "$(dirname "$0")/common.inc"

of_agent() { awk -v field="$1:" '$1 == field { print $2 }' "/proc/$agent/status"; }

start_cluster --bind-address=::
add_two_pods
# shellcheck disable=SC2016  # $@ is the inner shell's
run_as=(unshare --mount sh -c 'mount -o remount,bind,ro / && exec "$@"' read-only)
export KUBERNETES_SERVICE_HOST=::1
start_agent

step In-cluster "by https://[::1]:6443 and the files in $SA_DIR"
expect_words "API server https://\[::1\]:6443 by the ServiceAccount in /var/run/secrets/"
[[ $(of_agent CapEff) == 0000000000000000 ]] || fail "the agent keeps capabilities: $(of_agent CapEff)"
[[ $(of_agent NoNewPrivs) == 1 ]] || fail "the agent may gain privileges"
checkout_sends 1 udp/53
expect_event "$ledger" 1 "$(received 53/UDP)"
connections() { ss -Htnp state established "( dport = :6443 )" | grep -c "pid=$agent,"; }
[[ $(connections) == 1 ]] || fail "watch and writes do not share an HTTP/2 connection: $(connections)"
keeps_alive() {
  (($(ss -Htnpo state established "( dport = :6443 )" | grep "pid=$agent," | grep -Ec 'timer:\(keepalive,[0-9.]+sec') > 0))
}
wait_until 10 keeps_alive || fail "a dead peer is not noticed within seconds: $(ss -Htnpo)"

step Token "a new one, and the old one is revoked with its ServiceAccount, amid 200 packets"
cp "$SA_DIR/token" "$work/old-token"
in_pod checkout "$send" --times 200 --pause 0.03 "$ledger_ipv4" udp/54 &
sleep 1
kubectl delete serviceaccount -n kube-nflog kube-nflog > /dev/null
kubectl apply -k "$root/deploy/kustomize/base" > /dev/null
old_token_is_refused() {
  [[ $(curl -s -o "$work/refusal" -w '%{http_code}' --cacert "$CA" "$API_URL/api" \
    -H "Authorization: Bearer $(< "$work/old-token")") == 401 ]]
}
was_refused() { (($(metric 'events_written_total{verb="create",code="401"}') > 0)); }
wait_until 20 old_token_is_refused || fail "the API server still takes the old token"
checkout_sends 1 udp/55 # a write that finds out
wait_until 20 was_refused || fail "the old token was not tried: this test shows nothing"
cluster token
checkout_sends 1 udp/5353
expect_event "$ledger" 1 "$(received 5353/UDP)" 30
expect_event "$ledger" 1 "$(received 55/UDP)" 30
wait $! # the traffic
cluster restart # so that the watch is authenticated anew
make_pods "pod/shop/worker-0@$NODE_NAME=10.1.0.4,owner=StatefulSet:worker"
expect_metric pods_cached 3 30

step Stopped "with what it held told"
stop_agent
expect_event "$ledger" 200 "$(received 54/UDP)"
expect_event "$checkout" 200 "$(sent 54/UDP)"
expect_only_events "$ledger" 4
expect_only_events "$checkout" 4
expect_words 'stopped: seen 203, reported 203, suppressed 0, lost 0'
