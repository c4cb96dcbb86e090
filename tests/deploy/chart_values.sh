#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The Helm chart without a cluster: lint, packaging, a matrix of values, and values that it refuses with
# a sentence; kubectl reads every overlay.
set -euo pipefail

root=$(cd "$(dirname "$(realpath "$0")")/../.." && pwd)
. "$root/scripts/lib/say.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HELM_CACHE_HOME=$work/helm HELM_CONFIG_HOME=$work/helm HELM_DATA_HOME=$work/helm
helm=${HELM:-$("$root/scripts/get-helm")}
kubectl=$("$root/scripts/get-kubectl")
readonly chart=$root/deploy/helm/kube-nflog

"$helm" lint --strict "$chart" &> "$work/lint" || die "lint: $(cat "$work/lint")"

step Matrix "everything renders, and is YAML that says what was asked for"
render() { # REGEX [ARGUMENT]...: what it renders has such a line
  local regex=$1
  shift
  "$helm" template net "$chart" -n monitoring "$@" > "$work/out" 2> "$work/err" || die "$*: $(cat "$work/err")"
  grep -Eq -- "$regex" "$work/out" || die "$*: no line '$regex'"
}
scraped=(--set 'listen.address=0.0.0.0')
for source in auto nflog journal file kmsg; do
  for state in /var/lib/kube-nflog ''; do
    render 'kind: DaemonSet' --set "source=$source,stateDirectory=$state"
    case $source$state in
      journal/* | file/* | kmsg/*) grep -q -- '- --state-dir=' "$work/out" || die "$source: no --state-dir" ;;
      *) if grep -q -e 'state-dir' -e 'name: state' "$work/out"; then die "$source: a state directory"; fi ;;
    esac
    case $source in
      kmsg) grep -q 'privileged: true' "$work/out" || die "kmsg cannot be read so" ;;
      *) if grep -q privileged "$work/out"; then die "$source: privileged"; fi ;;
    esac
  done
done
render 'kind: DaemonSet' --set source=journal
if grep -q 'add:' "$work/out"; then die "the journal needs no capability"; fi
render '- "--listen=\[::\]:9478"' --set 'listen.address=[::]'
render '- --nflog-group=100,7' --set 'nflog.groups={100,7}'
render 'image: "r/k@sha256:a{64}"' --set "image.repository=r/k,image.digest=sha256:$(printf 'a%.0s' {1..64})"
render '- "--ignore=10.0.0.0/8,fd00::/8"' --set 'extraArgs={--ignore=10.0.0.0/8\,fd00::/8}'
render 'name: drops$' --set fullnameOverride=drops
render 'serviceAccountName: mine' --set serviceAccount.create=false,serviceAccount.name=mine,rbac.create=false
if grep -qE 'kind: (ClusterRole|ServiceAccount)' "$work/out"; then die "it makes what it was told not to"; fi
render 'kind: PodMonitor' "${scraped[@]}" --set podMonitor.enabled=true,podMonitor.labels.release=prom
render 'kind: ServiceMonitor' "${scraped[@]}" --set serviceMonitor.enabled=true
render 'alert: KubeNflogLosingDrops' --set prometheusRule.enabled=true
render 'grafana_dashboard: "1"' --set dashboard.enabled=true
render 'apiVersion: flowcontrol.apiserver.k8s.io/v1$' --set flowSchema.enabled=true # older: tests/apiserver/chart.sh
render 'nominalConcurrencyShares: 7$' --set flowSchema.enabled=true,flowSchema.concurrencyShares=7
render 'name: workload-low$' --set flowSchema.enabled=true,flowSchema.priorityLevel=workload-low
render 'values: \[system-node-critical\]' --set resourceQuota.enabled=true,priorityClassName=system-node-critical

step Refused "with what is wrong"
refuses() { # REGEX [ARGUMENT]...
  local regex=$1
  shift
  if "$helm" template net "$chart" "$@" > /dev/null 2> "$work/err"; then die "takes $*"; fi
  grep -Eq -- "$regex" "$work/err" || die "$*: does not say '$regex': $(cat "$work/err")"
}
refuses 'source' --set source=ebpf
refuses 'groups' --set 'nflog.groups={1}'
refuses 'need listen.address=0.0.0.0' --set podMonitor.enabled=true
refuses 'need listen.address=0.0.0.0' --set 'serviceMonitor.enabled=true,listen.address=[::1]'
refuses 'needs priorityClassName' --set resourceQuota.enabled=true
refuses 'digest' --set image.digest=latest
refuses 'lisen' --set lisen.port=1
refuses 'port' --set listen.port=99999
refuses 'terminationGracePeriodSeconds' --set terminationGracePeriodSeconds=2

step Package "with the alerts and the dashboard in it, not links to them"
"$helm" package "$chart" --destination "$work" &> "$work/package.log" || die "$(cat "$work/package.log")"
tar -xzf "$work"/kube-nflog-*.tgz -C "$work" kube-nflog/files
cmp "$work/kube-nflog/files/alerts.yaml" "$root/deploy/prometheus/alerts.yaml"
cmp "$work/kube-nflog/files/dashboard.json" "$root/deploy/grafana/dashboard.json"
[[ ! -L $work/kube-nflog/files/alerts.yaml ]] || die "the package has a link"
version=$(sed -n 's/^project(kube-nflog VERSION \([0-9.]*\) .*/\1/p' "$root/CMakeLists.txt")
for place in "version: $version:$chart/Chart.yaml" "appVersion: $version:$chart/Chart.yaml" \
  "    newTag: $version:$root/deploy/kustomize/base/kustomization.yaml" \
  "ARG VERSION=$version:$root/deploy/Dockerfile"; do
  grep -qx "${place%:*}" "${place##*:}" || die "${place##*:} has another version than CMakeLists.txt: $version"
done

step Overlays "kubectl reads each"
for overlay in "$root"/deploy/kustomize/overlays/*/; do
  "$kubectl" kustomize "$overlay" > "$work/out" || die "$overlay"
  grep -q '^kind: DaemonSet' "$work/out" || die "$overlay has no DaemonSet"
done
