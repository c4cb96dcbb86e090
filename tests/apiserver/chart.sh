#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The Helm chart on a real API server: it makes the same objects as the kustomize overlays do, the
# agent runs with what it installed, and it is changed and removed without a trace.
# shellcheck source=tests/apiserver/common.inc
. "$(dirname "$0")/common.inc"

helm=${HELM:-$("$root/scripts/get-helm")}
export HELM_CACHE_HOME=$work/helm HELM_CONFIG_HOME=$work/helm HELM_DATA_HOME=$work/helm
readonly chart=$root/deploy/helm/kube-nflog
# It speaks of the chart's links to deploy/prometheus and deploy/grafana, and of deprecated API versions.
helm() { "$helm" "$@" 2> "$work/helm.log" || fail "helm $1: $(cat "$work/helm.log")"; }

# as_server_sees: the objects of stdin as the server would store them, without what it adds to each
# and what Helm does.
as_server_sees() {
  kubectl create --dry-run=server -o json -f - 2> "$work/create.log" | jq -S '
    if .kind == "List" then .items[] else . end | select(.kind != "Namespace") |
    del(.status, .metadata[("uid", "creationTimestamp", "resourceVersion", "managedFields",
      "generation", "annotations")],
      .metadata.labels["app.kubernetes.io/managed-by", "app.kubernetes.io/version", "helm.sh/chart"])' |
    jq -S -s 'sort_by(.kind, .metadata.name)' || fail "not accepted: $(cat "$work/create.log")"
  [[ ! -s $work/create.log ]] || ! grep -v '^Warning' "$work/create.log" ||
    fail "not accepted: $(cat "$work/create.log")"
}

# same_as OVERLAY [HELM ARGUMENT]...
same_as() {
  local overlay=$1
  shift
  # Without the Namespace, which is there, so that create would refuse it.
  kubectl kustomize "$root/deploy/kustomize/$overlay" |
    awk 'BEGIN { RS = "---\n" } !/kind: Namespace\n/ { print "---\n" $0 }' |
    as_server_sees > "$work/kustomize.json"
  helm template kube-nflog "$chart" -n kube-nflog "$@" | as_server_sees > "$work/helm.json"
  [[ $(jq length "$work/helm.json") == 4 ]] || fail "the chart makes $(jq length "$work/helm.json") objects, not 4"
  diff "$work/kustomize.json" "$work/helm.json" || fail "the chart makes other objects than $overlay: above"
  say "            $overlay: $*"
}

start_cluster
kubectl delete -n kube-nflog daemonset/kube-nflog serviceaccount/kube-nflog > /dev/null
kubectl delete clusterrole/kube-nflog clusterrolebinding/kube-nflog > /dev/null

step Same "as kustomize makes, to the server's own defaults"
same_as base
same_as overlays/kube-router --set source=nflog
same_as overlays/own-rules --set source=nflog,nflog.waitForGroup=true
same_as overlays/calico --set source=journal,'logPrefixes={calico-drop}'
same_as overlays/calico-kmsg --set source=kmsg,'logPrefixes={calico-drop}'
same_as overlays/log-file --set source=file

step Install "from nothing to the first Event, as the page says"
add_two_pods
install=$(page_block deploy/README.md Install | sed -n '/^helm install /,$p')
[[ $install ]] || fail "the page does not say how to install"
started=$EPOCHREALTIME
(cd "$root" && eval "$install") > "$work/notes"
grep -q 'kubectl get events -A' "$work/notes" || fail "the notes do not say how to see it: $(cat "$work/notes")"
# What kubelet does, from here to the agent's start.
cluster token
readarray -t daemonset_flags < <(kubectl -n kube-nflog get daemonset kube-nflog -o json |
  jq -r '.spec.template.spec.containers[0].args[]')
start_agent
checkout_sends 3 tcp/5432
expect_event "$ledger" 1 "$(received 5432/TCP)"
say "            1 command; $(awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }') s to the first Event, no image pulled"
stop_agent
expect_event "$ledger" 3 "$(received 5432/TCP)"
image=$(kubectl -n kube-nflog get daemonset kube-nflog -o jsonpath='{.spec.template.spec.containers[0].image}')
[[ $image == registry.example/kube-nflog:0.1.0 ]] || fail "it would start $image"

step See "what the page and the notes say to look at"
mkdir "$work/bin"
ln -s "$KUBECTL" "$work/bin/kubectl"
ln -s "$root/deploy/kubectl-drops" "$work/bin/kubectl-drops"
as_a_person() { env PATH="$work/bin:$PATH" bash -e "$@" < /dev/null > "$work/seen" 2>&1; }
# A person ends what has no end.
page_block deploy/README.md 'See it work' | sed 's/\(.* --watch\) .*/timeout 3 \1 || [ $? = 124 ]/' > "$work/commands"
as_a_person "$work/commands" || fail "the page's commands: $(cat "$work/seen")"
[[ $(grep -c 'shop/checkout' "$work/seen") -ge 2 ]] || fail "they do not show the drops: $(cat "$work/seen")"
# The runbook's, but for those that ask a kubelet, which is not here.
# shellcheck disable=SC2016  # Markdown's own `
grep -oE '`kubectl [^`]*`' "$root/deploy/RUNBOOK.md" | tr -d '`' | grep -v NODE_POD > "$work/commands"
while read -r command; do
  as_a_person -c "$command" || fail "the runbook's $command: $(cat "$work/seen")"
done < "$work/commands"
grep -q 'auth can-i' "$work/commands" || fail "the runbook does not say how to look at rights"

step Change "values of a release, all options"
for kind in PodMonitor ServiceMonitor PrometheusRule; do # Prometheus operator's, without their schemas
  make_crd monitoring.coreos.com/v1 Namespaced "$kind" "${kind,,}s" '{"type": "object", "x-kubernetes-preserve-unknown-fields": true}'
done | kubectl apply -f - > /dev/null
wait_until 15 kubectl get podmonitors,servicemonitors,prometheusrules > /dev/null || fail "no CRDs"
helm upgrade kube-nflog "$chart" -n kube-nflog --set source=file,file.path=/var/log/fw/drops.log \
  --set podMonitor.enabled=true,serviceMonitor.enabled=true,prometheusRule.enabled=true \
  --set dashboard.enabled=true,flowSchema.enabled=true,listen.address=0.0.0.0 \
  --set priorityClassName=system-node-critical,resourceQuota.enabled=true > "$work/notes"
kubectl -n kube-nflog get daemonset kube-nflog -o json | jq -e '.spec.template.spec |
  (.containers[0].args | index("--log-file=/var/log/fw/drops.log") and index("--listen=0.0.0.0:9478")) and
  .containers[0].livenessProbe.httpGet.host == "127.0.0.1" and .priorityClassName == "system-node-critical" and
  .volumes[0].hostPath.path == "/var/log/fw"' > /dev/null || fail "the DaemonSet has not changed"
mapfile -t made < <(kubectl get podmonitors,servicemonitors,prometheusrules,services,configmaps,resourcequotas,flowschemas,prioritylevelconfigurations \
  -n kube-nflog -l app.kubernetes.io/instance=kube-nflog -o name)
say "            ${made[*]}"
((${#made[@]} == 8)) || fail "of 8 optional objects it makes ${#made[@]}"
kubectl -n kube-nflog get configmap kube-nflog-dashboard -o json | jq -r '.data["kube-nflog.json"]' |
  jq -S . | diff - <(jq -S . "$root/deploy/grafana/dashboard.json") || fail "the dashboard is another"
kubectl -n kube-nflog get prometheusrule kube-nflog -o json | jq -e '.spec.groups[0].rules | length > 5' > /dev/null ||
  fail "the PrometheusRule has no alerts"

step Upgrade "as the page says: the image alone changes"
kubectl -n kube-nflog get daemonset kube-nflog -o json |
  jq -S '.spec.template.spec | .containers[0].image |= sub(":[^:]*$"; ":9.9.9")' > "$work/expected"
(cd "$root" && eval "$(page_block deploy/README.md Upgrade | sed -n 's/image.tag=.*/image.tag=9.9.9/; /^helm /p')") > "$work/notes"
kubectl -n kube-nflog get daemonset kube-nflog -o json | jq -S .spec.template.spec |
  diff "$work/expected" - ||
  fail "the upgrade changes more than the image: above"

step Uninstall "as the page says: nothing is left"
eval "$(page_block deploy/README.md 'Take it away')" > /dev/null
left=$(kubectl get daemonsets,serviceaccounts,clusterroles,clusterrolebindings,podmonitors,servicemonitors,prometheusrules,services,configmaps,resourcequotas,flowschemas,prioritylevelconfigurations,secrets \
  -A -l 'app.kubernetes.io/name=kube-nflog' -o name)
[[ ! $left ]] || fail "left: $left"
