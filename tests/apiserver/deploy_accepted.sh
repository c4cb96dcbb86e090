#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A real API server takes what deploy/ ships, and gives the agent's ServiceAccount these rights and
# no others.
# shellcheck source=tests/apiserver/common.inc
. "$(dirname "$0")/common.inc"

start_cluster

step Accepted "every object, by the server's own validation"
kubectl delete -n kube-nflog daemonset/kube-nflog > /dev/null # so that it is validated as a new one
kubectl apply -k "$root/deploy/kustomize/base" --dry-run=server > "$work/applied"
sed 's/^/            /' "$work/applied"
for kind in namespace serviceaccount clusterrole.rbac.authorization.k8s.io \
  clusterrolebinding.rbac.authorization.k8s.io daemonset.apps; do
  grep -Eq "^$kind/kube-nflog (created|unchanged) \(server dry run\)$" "$work/applied" ||
    fail "$kind/kube-nflog was not accepted as it stands"
done
[[ $(wc -l < "$work/applied") == 5 ]] || fail "deploy/ ships something that this test does not know"

step Rights "read Pods and Services, write Events, nothing else"
cat > "$work/review.json" << END
{"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview",
 "spec": {"namespace": "default"}}
END
# What every authenticated user may do, asking about oneself, is not of our giving.
rights=$(kubectl --kubeconfig="$AGENT_KUBECONFIG" create -f "$work/review.json" -o json |
  jq -r '.status.resourceRules[] | select(.resources[0] | startswith("selfsubject") | not) |
    "\(.apiGroups | join(","))/\(.resources | join(",")): \(.verbs | sort | join(" "))"' | sort)
[[ $rights == $'/events: create get patch\n/pods: get list watch\n/services: list' ]] || fail "it may: $rights"

step Privileges "one capability, no way to more"
kubectl apply -k "$root/deploy/kustomize/base" --dry-run=server -o json | jq -e '
  .items[] | select(.kind == "DaemonSet").spec.template.spec |
  (has("volumes") or has("hostPID") or has("hostIPC") | not) and
  (.containers | length == 1) and (.containers[0].securityContext |
    .capabilities == {add: ["NET_ADMIN"], drop: ["ALL"]} and .allowPrivilegeEscalation == false and
    .readOnlyRootFilesystem and (has("privileged") | not))' > /dev/null ||
  fail "the DaemonSet asks for more than it should"

say "deploy/ is accepted; the agent may do what it needs and nothing else"
