#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The agent as deploy/'s DaemonSet runs it: credentials from the ServiceAccount's files, IPv6
# address of the API server, read-only root, one capability, which it gives up. And its token is
# replaced and the old one revoked: nothing is lost.
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

step Token "a new one, and the old one is revoked with its ServiceAccount"
cp "$SA_DIR/token" "$work/old-token"
kubectl delete serviceaccount -n kube-nflog kube-nflog > /dev/null
kubectl apply -k "$root/deploy/kustomize/base" > /dev/null
cluster token
old_token_is_refused() {
  [[ $(curl -s -o "$work/refusal" -w '%{http_code}' --cacert "$CA" "$API_URL/api" \
    -H "Authorization: Bearer $(< "$work/old-token")") == 401 ]]
}
wait_until 20 old_token_is_refused || fail "the API server still takes the old token"
checkout_sends 2 udp/53 # a repeat: told later
checkout_sends 1 udp/5353
expect_event "$ledger" 1 "$(received 5353/UDP)"
grep -q '"code":401' "$AUDIT_LOG" || fail "the old token was not tried: this test shows nothing"

step Stopped "with what it held told"
stop_agent
expect_event "$ledger" 3 "$(received 53/UDP)"
expect_only_events "$ledger" 2
expect_only_events "$checkout" 2
