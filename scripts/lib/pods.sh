# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# A PodList for the agent's --pods, shaped as `kubectl get pods -A -o json` prints it. Used by the demo and the tests.

# pod_list < LINES of "NAMESPACE REPLICASET SUFFIX NODE IPV4 IPV6"; prints the list.
pod_list() {
  local namespace replicaset suffix node ipv4 ipv6 separator='' number=0
  printf '{"apiVersion": "v1", "kind": "List", "items": ['
  while read -r namespace replicaset suffix node ipv4 ipv6; do
    number=$((number + 1))
    printf '%s\n' "$separator"
    cat << END
  {"apiVersion": "v1", "kind": "Pod",
   "metadata": {
     "name": "$replicaset-$suffix", "namespace": "$namespace", "resourceVersion": "$((1000 + number))",
     "uid": "$(printf '5e1f7a10-0000-4000-8000-%012d' "$number")",
     "labels": {"app": "${replicaset%-*}", "pod-template-hash": "${replicaset##*-}"},
     "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "$replicaset",
       "uid": "5e1f7a10-0000-4000-8001-000000000000", "controller": true, "blockOwnerDeletion": true}]},
   "spec": {"nodeName": "$node", "containers": [{"name": "main", "image": "example.test/${replicaset%-*}:1"}]},
   "status": {"phase": "Running", "hostIP": "$NODE_IPV4", "podIP": "$ipv4",
     "podIPs": [{"ip": "$ipv4"}, {"ip": "$ipv6"}], "startTime": "2026-01-05T08:00:00Z"}}
END
    separator=,
  done
  printf ']}\n'
}
