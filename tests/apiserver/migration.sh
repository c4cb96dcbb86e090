#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kube-iptables-tailer's DaemonSet with another image: its command, its variables, its ServiceAccount's rights and a
# host name that is a Pod's. Nothing says which node this is, and no flag is given.
# shellcheck source=tests/apiserver/common.inc
. "$(dirname "$0")/common.inc"

readonly log=$work/log/iptables.log
readonly its_env=(
  LOG_LEVEL=info
  IPTABLES_LOG_PATH="$log"
  IPTABLES_LOG_PREFIX=calico-drop:
  KUBE_EVENT_DISPLAY_REASON=PacketDrop
  KUBE_EVENT_SOURCE_COMPONENT_NAME=kube-iptables-tailer
  METRICS_SERVER_PORT=9090
  PACKET_DROP_CHANNEL_BUFFER_SIZE=100
  PACKET_DROP_LOG_TIME_LAYOUT=2006-01-02T15:04:05.000000-07:00
  PACKET_DROP_EXPIRATION_MINUTES=10
  REPEATED_EVENTS_INTERVAL_MINUTES=2
  WATCH_LOGS_INTERVAL_SECONDS=5
  POD_IDENTIFIER=namespace
)
log_line() { # AGE REST
  printf '%s node-1 kernel: calico-drop: IN=cali-checkout OUT=cali-ledger MAC=ee:ee:ee:ee:ee:ee:0a:00:00:00:00:01:08:00 %s\n' \
    "$(date -d "-$1" +%FT%T.%6N%:z)" "$2" >> "$log"
}
tcp="SRC=$checkout_ipv4 DST=$ledger_ipv4 LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=1 DF PROTO=TCP SPT=4000 DPT=5432 WINDOW=64240 RES=0x00 SYN URGP=0 "
icmp="SRC=$checkout_ipv4 DST=$ledger_ipv4 LEN=84 TOS=0x00 PREC=0x00 TTL=63 ID=1 PROTO=ICMP TYPE=8 CODE=0 ID=1 SEQ=1 "

start_cluster
add_two_pods
make_pods "pod/kube-nflog/kube-iptables-tailer-x1y2z@$NODE_NAME=10.1.0.9,owner=DaemonSet:kube-iptables-tailer"
mkdir "$work/log" "$work/image"
touch "$log"
ln -s "$agent_binary" "$work/image/kube-iptables-tailer"
mkdir -p /run/secrets/kubernetes.io
ln -sfn "$SA_DIR" /run/secrets/kubernetes.io/serviceaccount

step Page "its two commands change the image and the rights"
kubectl apply -f - > /dev/null << 'END'
{"apiVersion": "v1", "kind": "List", "items": [
  {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "kube-iptables-tailer"},
   "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "get", "watch"]},
             {"apiGroups": [""], "resources": ["events"], "verbs": ["patch", "create"]}]},
  {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "kube-iptables-tailer", "namespace": "kube-system"},
   "spec": {"selector": {"matchLabels": {"app": "kube-iptables-tailer"}}, "template": {
     "metadata": {"labels": {"app": "kube-iptables-tailer"}},
     "spec": {"containers": [{"name": "kube-iptables-tailer", "command": ["/kube-iptables-tailer"], "image": "box/kube-iptables-tailer:v0.2.1"}]}}}}]}
END
eval "$(page_block deploy/MIGRATION.md 'From kube-iptables-tailer')" > "$work/changed"
[[ $(kubectl -n kube-system get daemonset kube-iptables-tailer -o jsonpath='{.spec.template.spec.containers[*].image}') == \
  registry.example/kube-nflog:0.1.0 ]] || fail "the image has not changed: $(cat "$work/changed")"
# From here the agent has these rights, not those of deploy/.
kubectl get clusterrole kube-iptables-tailer -o json | jq '.metadata = {name: "kube-nflog"}' | kubectl replace -f - > /dev/null

step Started "as the Pod that it is, on no node that anybody has named"
agent_log=$work/agent.log
# shellcheck disable=SC2016  # $1 and $@ are the inner shell's
unshare --uts sh -c 'hostname kube-iptables-tailer-x1y2z && exec "$@"' sh \
  env -i "${its_env[@]}" KUBERNETES_SERVICE_HOST="$KUBERNETES_SERVICE_HOST" \
  KUBERNETES_SERVICE_PORT="$KUBERNETES_SERVICE_PORT" \
  setpriv --no-new-privs --inh-caps=-all --bounding-set=-all,+dac_read_search \
  "$work/image/kube-iptables-tailer" > "$agent_log" 2>&1 &
agent=$!
is_ready() { curl -fs -m 2 -o "$work/ready" http://127.0.0.1:9090/readyz; }
wait_until 15 is_ready || fail "the agent does not get ready"
expect_words "This is node $NODE_NAME\."
for name in PACKET_DROP_LOG_TIME_LAYOUT PACKET_DROP_CHANNEL_BUFFER_SIZE WATCH_LOGS_INTERVAL_SECONDS; do
  expect_words "$name is set but not needed"
done

step Events "its words and names, and drops that it could not tell"
log_line 1sec "$tcp"
log_line 1sec "$icmp"
log_line 11min "${tcp/DPT=5432/DPT=1}" # PACKET_DROP_EXPIRATION_MINUTES
by=': by rule "calico-drop:".'
expect_event "$ledger" 1 "Packet dropped when receiving traffic from shop (IP: $checkout_ipv4) on port 5432/TCP$by"
expect_event "$checkout" 1 "Packet dropped when sending traffic to payments (IP: $ledger_ipv4) on port 5432/TCP$by"
expect_event "$ledger" 1 "Packet dropped when receiving traffic from shop (IP: $checkout_ipv4) over ICMP echo-request$by"
expect_only_events "$ledger" 2
[[ $(kubectl get events -A -o json | jq -r '[.items[] | select(.reason == "PacketDrop") | .source.component] | unique | join(" ")') == \
  kube-iptables-tailer ]] || fail "the Events' component is another"
counts_one_expired() {
  curl -fs -m 2 http://127.0.0.1:9090/metrics > "$work/metrics"
  grep -q 'kube_nflog_lost_total{where="expired"} 1$' "$work/metrics"
}
wait_until 5 counts_one_expired ||
  fail "the line of 11 minutes ago is not counted as expired"
stop_agent
