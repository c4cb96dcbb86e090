#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the API server refuses for good: without rights, drops are counted as lost and the server is
# left alone, until the rights are back; a namespace that is deleted is not written to any more.
# shellcheck source=tests/apiserver/common.inc
. "$(dirname "$0")/common.inc"

# may_create_events yes|no: what the API server thinks.
may_create_events() {
  [[ $(kubectl --kubeconfig="$AGENT_KUBECONFIG" auth can-i create events -n shop || true) == "$1" ]]
}

start_cluster
add_two_pods
start_agent --refused-interval=2s "${promptly[@]}"

step Forbidden "our ClusterRole without its events"
take_right events
wait_until 20 may_create_events no || fail "the API server still grants events"
checkout_sends 10 udp/1001
expect_words 'the API server forbids Events in namespace (payments|shop)'
expect_metric 'lost_total{where="refused"}' 10
agent_ready || fail "the agent is not ready any more"

# Left alone: a flood of new flows, and at most one try a namespace in 2 s.
before=$(agent_requests "$is_event") started=$SECONDS
in_pod checkout "$send" --pause 0.02 "$ledger_ipv4" udp/{2001..2100}
during=$(($(agent_requests "$is_event") - before)) took=$((SECONDS - started))
say "$during requests in the $took s after"
((during <= 2 * (2 + took / 2))) || fail "$during requests to a server that has refused"

step Restored "and told from here on"
kubectl apply -k "$root/deploy/kustomize/base" > /dev/null
wait_until 20 may_create_events yes || fail "the API server still denies events"
sleep 2 # --refused-interval
checkout_sends 5 udp/1002
expect_event "$ledger" 5 "$(received 1002/UDP)"
expect_event "$checkout" 5 "$(sent 1002/UDP)"
expect_words 'Events in namespace (payments|shop) are written again'

step Deleted "namespace payments, amid drops"
in_pod checkout "$send" --times 150 --pause 0.02 "$ledger_ipv4" udp/1003 &
sleep 0.5
# What the namespace controller would do, which is not here.
kubectl delete namespace payments --wait=false > /dev/null
kubectl delete -n payments pods,events --all > /dev/null
kubectl get namespace payments -o json | jq '.spec.finalizers = []' |
  kubectl replace --raw /api/v1/namespaces/payments/finalize -f - > /dev/null
checkout_sends 1 udp/1003 # whether the others are over or not
expect_words 'namespace payments is gone'
in_payments="$is_event and .objectRef.namespace == \"payments\""
before=$(agent_requests "$in_payments")
wait $!
checkout_sends 20 udp/1004
during=$(($(agent_requests "$in_payments") - before))
say "$during requests about it after that"
((during <= 6)) || fail "$during requests about a namespace that is gone"
expect_event "$checkout" 151 "$(sent 1003/UDP)"
expect_event "$checkout" 20 "$(sent 1004/UDP)"

expect_balance 286
stop_agent
[[ -z $(events_on "$ledger") ]] || fail "the namespace that is gone has Events: $(events_on "$ledger")"
