#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A Service is named where its cluster address is: as what the packet was sent to before DNAT, and as the peer where nobody
# rewrote it. By the API server, if it is new enough to be asked; and by the cluster's DNS, here a dnsmasq with a CoreDNS's answers.
# shellcheck source=tests/apiserver/common.inc
. "$(dirname "$0")/common.inc"

readonly ledger_db=10.96.0.17 idle=10.96.0.18 unnamed=10.96.0.19 nobody=10.96.0.20
to_ledger_by() { # PORT SERVICE
  echo "Packet dropped when sending traffic to payments/ledger (IP: $ledger_ipv4) on port $1/TCP ($2:$1)."
}
to() { echo "Packet dropped when sending traffic to $1 on port 5432/TCP."; }
checkout_tries() { in_pod checkout "$send" "$1" "tcp/${2:-5432}"; }
readonly is_service='.objectRef.resource == "services"'

make_service() { # NAME ADDRESS
  kubectl create -f - > /dev/null << END
{"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "payments", "name": "$1"},
 "spec": {"clusterIP": "$2", "ports": [{"port": 5432}]}}
END
}
allow_services() { # JSON-ARRAY-OF-VERBS
  kubectl get clusterrole kube-nflog -o json |
    jq "(.rules[] | select(.resources == [\"services\"])).verbs = $1" | kubectl replace -f - > /dev/null
}
serves_dns() { grep -q started "$work/dns.log"; }

start_cluster
add_two_pods
make_service ledger-db $ledger_db
make_service idle $idle
make_service unnamed $unnamed
# As kube-proxy does it, for the one of them that has an endpoint.
iptables -t nat -A PREROUTING -d $ledger_db -p tcp -j DNAT --to-destination "$ledger_ipv4"
ip link add outside type veth peer name void
ip link set outside up
ip route add 10.96.0.0/16 dev outside
log_and_drop -o outside
dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --user=root --pid-file \
  --log-facility=- --listen-address=127.0.0.1 --bind-interfaces --port=5353 --local=/in-addr.arpa/ \
  --ptr-record=17.0.96.10.in-addr.arpa,ledger-db.payments.svc.cluster.local \
  --ptr-record=18.0.96.10.in-addr.arpa,idle.payments.svc.cluster.local &> "$work/dns.log" &
wait_until 5 serves_dns || fail "dnsmasq does not start: $(cat "$work/dns.log")"

step Forbidden "to list Services: says so once, names what DNS knows, and goes on"
allow_services '["watch"]'
start_agent "${promptly[@]}" --dns-server=127.0.0.1:5353
checkout_tries $idle
expect_event "$checkout" 1 "$(to "payments/idle (IP: $idle)")"
checkout_tries $unnamed
expect_event "$checkout" 1 "$(to $unnamed)"
expect_words 'Grant this agent the verb .list. on services'
expect_metric 'service_lookups_total{result="error"}' 1
expect_metric 'service_lookups_total{result="paused"}' 1
expect_requests 1 1 "$is_service"
stop_agent
allow_services '["list"]'
kubectl delete events -A --all > /dev/null

step Named "behind a DNAT, and where nothing rewrites the address"
start_agent "${promptly[@]}" --dns-server=127.0.0.1:5353
checkout_tries $ledger_db
# Where the kernel tells it; else that part of the message is not there.
if agent_says 'no nf_conntrack_netlink'; then
  step Unknown "what was before the DNAT: this kernel does not tell"
  expect_event "$checkout" 1 "$(to "payments/ledger (IP: $ledger_ipv4)")"
else
  expect_event "$checkout" 1 "$(to_ledger_by 5432 "Service payments/ledger-db $ledger_db")"
fi
checkout_tries $idle
expect_event "$checkout" 1 "$(to "payments/idle (IP: $idle)")"
checkout_tries $unnamed
if (($(agent_requests "$is_service and .responseStatus.code == 400"))); then
  step Old "an API server before 1.31 is asked once, and once only"
  expect_event "$checkout" 1 "$(to $unnamed)"
  expect_words 'older than Kubernetes 1.31'
  expect_requests 1 1 "$is_service and .responseStatus.code != 403"
else
  expect_event "$checkout" 1 "$(to "payments/unnamed (IP: $unnamed)")"
fi
checkout_tries $nobody
expect_event "$checkout" 1 "$(to $nobody)"
kubectl get events -n shop -o json | jq -r '.items[].metadata.annotations["kube-nflog/drop"]' > "$work/facts"
jq -se 'map(select(.peerName == "payments/idle" and .peerIP == "10.96.0.18")) | length == 1' "$work/facts" > /dev/null ||
  fail "no annotation names the Service: $(cat "$work/facts")"
stop_agent
kubectl delete events -A --all > /dev/null

step Off "and nobody is asked"
before=$(agent_requests "$is_service")
start_agent "${promptly[@]}" --service-lookup=false --reverse-dns=false
checkout_tries $idle
expect_event "$checkout" 1 "$(to $idle)"
expect_requests "$before" "$before" "$is_service"
stop_agent
