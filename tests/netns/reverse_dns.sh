#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Peers that are no Pods have the names that DNS knows, if those are fit to be told; and a DNS server that does not answer
# delays no Event by more than the bound.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

dns= # pid of the server
serve_dns() { "$@" > "$work/dns.log" 2>&1 & dns=$!; }
end_dns() { kill "$dns"; wait "$dns" 2> /dev/null || true; }
dns_says() { grep -q "$1" "$work/dns.log"; }

# packet_to ADDRESS [PORT]; to_host NAME ADDRESS: what is then told.
packet_to() { in_pod checkout "$flood" "$1" "${2:-5000}" 1 1; }
to_host() { echo "$checkout 1 Packet dropped when sending traffic to $1 (IP: $2) on port 5000/UDP."; }
to_address() { echo "$checkout 1 Packet dropped when sending traffic to $1 on port 5000/UDP."; }

# told_within MS LINE...: measured from $sent_at.
sent_at=
milliseconds() { echo $(($(date +%s%N) / 1000000)); }
told_within() {
  local most=$1 line took
  shift
  for line in "$@"; do wait_until 10 has_event "$line" || fail "no such Event: $line"$'\n'"but: $(events)"; done
  took=$(($(milliseconds) - sent_at))
  step Time "$took ms from the packet to the Event"
  ((took <= most)) || is_sanitized || fail "told after $took ms, not within $most"
}

ip link add outside type veth peer name void
ip link set outside up
ip route add 203.0.113.0/24 dev outside
ip -6 route add 2001:db8:ffff::/64 dev outside
log_and_drop -o outside

step Real "a dnsmasq, over IPv4 and IPv6"
serve_dns dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --user=root --pid-file \
  --log-facility=- --log-queries --listen-address=127.0.0.1 --bind-interfaces --port=5353 \
  --local=/in-addr.arpa/ --local=/ip6.arpa/ --ptr-record=10.113.0.203.in-addr.arpa,Api.example.com \
  --ptr-record=7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.f.f.f.f.8.b.d.0.1.0.0.2.ip6.arpa,six.example.com
wait_until 5 dns_says started || fail "dnsmasq does not start: $(cat "$work/dns.log")"
start_agent --dns-server=127.0.0.1:5353
for address in 203.0.113.10 203.0.113.99; do packet_to $address; done
checkout_tries 2001:db8:ffff::7 udp/5000
expect_event "$(to_host api.example.com 203.0.113.10)"
expect_event "$(to_host six.example.com 2001:db8:ffff::7)"
expect_event "$(to_address 203.0.113.99)"
packet_to 203.0.113.10 5001
packet_to 203.0.113.99 5001
expect_events 5 .
expect_metric 'dns_lookups_total{result="found"}' 2
expect_metric 'dns_lookups_total{result="not_found"}' 1
expect_metric 'dns_lookups_total{result="cached"}' 2
stop_agent
end_dns
: > "$work/events"

step Hostile "names, a huge answer by TCP, one that is cut short, a TTL of 0"
serve_dns "$root/tests/netns/dns_server.py" 5354
wait_until 5 dns_says ready || fail "no DNS server: $(cat "$work/dns.log")"
start_agent --dns-server=127.0.0.1:5354
for n in {20..28}; do packet_to "203.0.113.$n"; done
for n in 20 21 22 23 27; do expect_event "$(to_address "203.0.113.$n")"; done
host_0=host-0.$(printf 'x%.0s' {1..60}).example.com
expect_event "$(to_host "$host_0" 203.0.113.24)"
expect_event "$(to_host short.example.com 203.0.113.25)"
expect_event "$(to_host a.example.com 203.0.113.26)"
long=$(printf '%s' "$(printf 'x%.0s' {1..60})." "$(printf 'y%.0s' {1..60})." "$(printf 'z%.0s' {1..60})." "$(printf 'w%.0s' {1..60}).com")
expect_event "$(to_host "$long" 203.0.113.28)"
packet_to 203.0.113.25 5001
expect_events 10 .
expect_metric 'dns_lookups_total{result="cached"}' 1 # though its TTL is 0
stop_agent
end_dns
: > "$work/events"

step Silent "a server that takes questions and answers none"
serve_dns python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 5355))
print("ready", flush=True)
time.sleep(300)'
wait_until 5 dns_says ready
start_agent --dns-server=127.0.0.1:5355
sent_at=$(milliseconds)
packet_to 203.0.113.30
told_within 4000 "$(to_address 203.0.113.30)"
sent_at=$(milliseconds)
# All at once: it is given up when three are without an answer.
# shellcheck disable=SC2016  # $n is the inner shell's
in_pod checkout bash -c 'for n in {31..39}; do echo > "/dev/udp/203.0.113.$n/5000"; done'
mapfile -t all < <(for n in {31..39}; do to_address "203.0.113.$n"; done)
told_within 6000 "${all[@]}"
step Given "up: it is not asked for a while, and nothing waits for it"
sent_at=$(milliseconds)
packet_to 203.0.113.77 5001 # past ten peers they share an Event: so another port
wait_until 5 has_event "$checkout 1 Packet dropped when sending traffic to 203.0.113.77 on port 5001/UDP."
(($(milliseconds) - sent_at < 1000)) || is_sanitized || fail "it took $(($(milliseconds) - sent_at)) ms"
expect_metric 'dns_lookups_total{result="error"}' 10
expect_metric 'dns_lookups_total{result="paused"}' 1
expect_ledger_balances
stop_agent

step Off "and nobody is asked"
: > "$work/events"
start_agent --dns-server=127.0.0.1:5355 --reverse-dns=false
packet_to 203.0.113.30
expect_event "$(to_address 203.0.113.30)"
expect_metric dns_lookups_total 0
stop_agent
end_dns
