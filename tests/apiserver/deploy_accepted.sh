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

step Overlay "of one's own, as the page says"
mkdir "$work/own"
# The project from here in place of a fork.
page_block deploy/README.md Install yaml |
  sed "s,github.com/YOUR-FORK/kube-nflog//,$(realpath --relative-to="$work/own" "$root")/," > "$work/own/kustomization.yaml"
kubectl apply -k "$work/own" --dry-run=server -o json > "$work/own.json"
jq -e '[.items[] | select(.kind == "DaemonSet").spec.template.spec.containers[].image] ==
  ["registry.example/kube-nflog:0.1.0"]' "$work/own.json" > /dev/null || fail "it starts another image"

# Calico's kinds, with those fields and values that a rule that logs may need; from its own CRDs
# (api/config/crd). What else stands in a file is refused.
step Calico "takes the policies, labels and settings that log and deny"
text='{"type": "string"}'
rules='{"type": "array", "items": {"type": "object", "required": ["action"], "properties":
  {"action": {"type": "string", "enum": ["Allow", "Deny", "Log", "Pass"]}}}}'
{
  make_crd projectcalico.org/v3 Cluster GlobalNetworkPolicy globalnetworkpolicies "{\"type\": \"object\", \"properties\": {\"order\": {\"type\": \"number\"},
    \"namespaceSelector\": $text, \"ingress\": $rules, \"egress\": $rules,
    \"types\": {\"type\": \"array\", \"items\": {\"type\": \"string\", \"enum\": [\"Ingress\", \"Egress\"]}}}}"
  make_crd projectcalico.org/v3 Cluster FelixConfiguration felixconfigurations "{\"type\": \"object\", \"properties\": {\"logPrefix\": $text}}"
} | kubectl apply -f - > /dev/null
knows_calico() { kubectl explain --api-version=projectcalico.org/v3 felixconfiguration.spec.logPrefix > /dev/null 2>&1; }
wait_until 30 knows_calico || fail "the server does not publish Calico's kinds"
kubectl create namespace shop > /dev/null
sed -n 's/^#   kubectl /kubectl /p' "$root/deploy/rules/calico.yaml" > "$work/commands"
[[ $(wc -l < "$work/commands") == 3 ]] || fail "its head has other commands than this test knows"
(cd "$root/deploy/rules" && eval "$(< "$work/commands")") > "$work/applied" 2>&1 || fail "its head's commands: $(cat "$work/applied")"
kubectl get globalnetworkpolicies -o json | jq -e '[.items[].spec | .ingress // .egress | map(.action)] ==
  [["Log", "Deny"], ["Log", "Deny"]]' > /dev/null || fail "its policies do not log, then deny"
[[ $(kubectl get felixconfiguration default -o jsonpath='{.spec.logPrefix}') == calico-drop ]] ||
  fail "Felix would use another prefix"
sed 's/action: Deny/action: Drop/' "$root/deploy/rules/calico.yaml" > "$work/wrong.yaml"
! kubectl apply -f "$work/wrong.yaml" > "$work/applied" 2>&1 || fail "this test takes any file"

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
