#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The right to read Pods is taken away and given back: the agent says what it lacks, goes on with the
# Pods that it knows, and knows the new ones once it may. Started without the right it waits.
# shellcheck source=tests/apiserver/common.inc
. "$(dirname "$0")/common.inc"

readonly worker=shop/worker-0 worker_ipv4=10.1.0.4 worker_ipv6=fd00:1::4

# may_read_pods yes|no: what the API server thinks.
may_read_pods() {
  [[ $(kubectl --kubeconfig="$AGENT_KUBECONFIG" auth can-i watch pods || true) == "$1" ]]
}
take_away() {
  take_right pods
  wait_until 20 may_read_pods no || fail "the API server still grants pods"
}
give_back() {
  kubectl apply -k "$root/deploy/kustomize/base" > /dev/null
  wait_until 20 may_read_pods yes || fail "the API server still denies pods"
}

start_cluster
add_two_pods
start_agent "${promptly[@]}"

step Forbidden "our ClusterRole without its pods; the watch breaks off with the server's restart"
take_away
cluster restart
expect_words 'cannot watch Pods, trying again: the API server forbids it \(403\)\. Grant this agent the verb .watch. on pods' 30
agent_ready || fail "the agent is not ready any more"
checkout_sends 3 udp/1001
expect_event "$ledger" 3 "$(received 1001/UDP)"

step Restored "with a Pod that came meanwhile"
node_add_pod worker $worker_ipv4 $worker_ipv6
make_pods "pod/$worker@$NODE_NAME=$worker_ipv4,$worker_ipv6,owner=StatefulSet:worker"
before=$(agent_requests "$is_pod")
give_back
expect_words 'the watch of Pods goes on|Pods listed: 3 known' 40
in_pod worker "$send" --times 2 "$ledger_ipv4" udp/1002
expect_event $worker 2 "$(sent 1002/UDP)"
during=$(($(agent_requests "$is_pod") - before))
((during <= 10)) || fail "$during requests for Pods where a few would do"
stop_agent

step Started "without the right: not ready, and told in the end"
take_away
launch_agent "${promptly[@]}"
expect_words 'cannot list Pods, trying again: the API server forbids it \(403\)\. Grant this agent the verb .list. on pods'
! agent_ready || fail "the agent is ready without knowing the Pods"
checkout_sends 4 udp/1003
give_back
wait_until 40 agent_ready || fail "the agent does not get ready"
expect_event "$ledger" 4 "$(received 1003/UDP)"
expect_event "$checkout" 4 "$(sent 1003/UDP)"
expect_balance 4
stop_agent
