#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# --check against a real API server: as deploy/'s ServiceAccount all is well; without a verb, on a
# node that nobody knows, with a token that is none, and with no server at all, it says so.
# shellcheck source=tests/apiserver/common.inc
. "$(dirname "$0")/common.inc"

# check STATUS [FLAG]...: what it finds is in $work/findings.
check() {
  local expected=$1 status=0
  shift
  timeout 60 setpriv --no-new-privs --inh-caps=-all --bounding-set=-all,+net_admin \
    "$agent_binary" --check --node-name="$NODE_NAME" "$@" > "$work/findings" 2>&1 || status=$?
  ((status == expected)) || fail "--check ended with $status, not $expected: $(cat "$work/findings")"
}
finds() { grep -Eq "^$1 +$2 +.*$3" "$work/findings" || fail "no '$1 $2 $3': $(cat "$work/findings")"; }

start_cluster
add_two_pods
mkdir -p /run/secrets/kubernetes.io
ln -sfn "$SA_DIR" /run/secrets/kubernetes.io/serviceaccount

step Good "as deploy/'s ServiceAccount"
check 0
cat "$work/findings"
finds ok 'API server' 'Kubernetes v[0-9.]+.* answers, by the ServiceAccount in /var/run/secrets/'
finds ok clock 'agrees'
for what in 'list pods' 'watch pods' 'list services' 'create events' 'get events' 'patch events'; do
  finds ok RBAC "We may $what"
done
finds ok node "knows Pods on node $NODE_NAME"
if grep -q 'get pods' "$work/findings"; then fail "it asks for what a node's name makes needless"; fi
check 0 --node-name=
finds ok RBAC 'We may get pods'

step Node "one that the API server does not know"
check 0 --node-name=elsewhere
finds warn node 'knows no Pod on node elsewhere'

step RBAC "without a verb"
kubectl get clusterrole kube-nflog -o json |
  jq '(.rules[] | select(.resources == ["events"])).verbs = ["create", "get"]' |
  kubectl replace -f - > /dev/null
lacks_a_verb() { check 1 && finds FAIL RBAC 'may not patch events'; }
wait_until 10 eval '(lacks_a_verb) &> /dev/null' || lacks_a_verb
finds ok RBAC 'We may create events'
check 0 --sink=stdout # which posts nothing

step Token "one that is none"
cp -rL "$SA_DIR" "$work/account"
echo none > "$work/account/token"
ln -sfn "$work/account" /run/secrets/kubernetes.io/serviceaccount
check 1
finds FAIL 'API server' 'does not take our credentials \(401\)'

step Server "none at all"
check 1 --api-server=https://127.0.0.1:1
finds FAIL 'API server' 'nothing answers there'
