#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An API server that cannot be had. What the operator got wrong ends the agent at once, with a
# paragraph; what may pass is waited for, with a sentence, and the drops meanwhile are told in the end.
# shellcheck source=tests/apiserver/common.inc
. "$(dirname "$0")/common.inc"

# refuses STATUS WORDS [FLAG]...: the agent does not start, ends with STATUS and says WORDS.
refuses() {
  local status=0
  timeout 10 "$agent_binary" "${@:3}" > "$work/out" 2> "$work/paragraph" || status=$?
  ((status == $1)) || fail "exit status $status, not $1, of: ${*:3} $(cat "$work/paragraph")"
  grep -Fq -- "$2" "$work/paragraph" || fail "does not say '$2': $(cat "$work/paragraph")"
}

# waits_for WORDS: it says so within seconds, lives, and is not ready; and SIGTERM ends it.
waits_for() {
  expect_words "$1"
  expect_probe livez 200
  expect_probe readyz 503
  stop_agent
}
expect_probe() { wait_until "${3:-5}" probe_says "$@" || fail "/$1 does not answer $2"; }
probe_says() { [[ $(curl -s -m 2 -o "$work/probe" -w '%{http_code}' "$probes/$1") == "$2" ]]; }

step Mistakes "that end it"
refuses 78 'this is not a Pod'
refuses 78 'cannot read the kubeconfig /none: No such file or directory' --kubeconfig=/none
refuses 78 'cannot read the kubeconfig /etc: Is a directory' --kubeconfig=/etc
echo '{[' > "$work/no-yaml"
refuses 78 "the kubeconfig $work/no-yaml is no use: it is not YAML" --kubeconfig="$work/no-yaml"
refuses 78 'plain http would send the token in clear' --api-server=http://192.0.2.1
refuses 64 'is not a URL' --api-server=ftp://127.0.0.1
refuses 64 '--apiserver' --apiserver=https://127.0.0.1
KUBERNETES_SERVICE_HOST=127.0.0.1 KUBERNETES_SERVICE_PORT=6443 \
  refuses 78 'Set automountServiceAccountToken: true on this Pod'

start_cluster
add_two_pods
right_account=$SA_DIR

step 'Wrong port' "where nothing listens, and where nothing speaks TLS"
launch_agent --api-server=https://127.0.0.1:1
waits_for 'cannot list Pods, trying again: https://127.0.0.1:1: .*nothing answers there: is the API server up'
launch_agent --api-server=https://127.0.0.1:2379 # etcd's
waits_for 'TLS failed: is it an https port'

step 'Wrong CA' "that did not sign the server's certificate"
SA_DIR=$work/wrong-account
cp -r "$right_account" "$SA_DIR"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=other \
  -keyout "$work/other.key" -out "$SA_DIR/ca.crt" 2> "$work/openssl.log"
launch_agent
waits_for 'its certificate is not trusted for that address: check the CA in .*/ca.crt'

step 'Wrong token' "until the right one is there: the drops meanwhile are told"
cp "$right_account/ca.crt" "$SA_DIR/"
echo "not.a.token" > "$SA_DIR/token"
launch_agent "${promptly[@]}"
checkout_sends 5 udp/1001
expect_words 'the API server does not know us \(401\)'
expect_probe readyz 503
cp "$right_account/token" "$SA_DIR/token"
expect_probe readyz 200 40 # the longest back-off, and a little
expect_event "$ledger" 5 "$(received 1001/UDP)"
stop_agent

step 'No server' "at the start: the same"
SA_DIR=$right_account
cluster kill-apiserver
launch_agent "${promptly[@]}"
checkout_sends 5 udp/1002
expect_words 'cannot list Pods, trying again: .*nothing answers there'
expect_probe readyz 503
expect_probe livez 200
cluster resume
expect_event "$ledger" 5 "$(received 1002/UDP)" 30
expect_event "$checkout" 5 "$(sent 1002/UDP)"
stop_agent
