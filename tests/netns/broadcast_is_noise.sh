#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a Pod sends to everybody on its subnet is noise, known by the frame: no address tells so.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

ip address add 10.9.0.1/24 dev cali-checkout
ip -netns checkout address add 10.9.0.2/24 broadcast + dev eth0
iptables -A INPUT -i cali-checkout -p udp --dport 137 -j NFLOG --nflog-group 100
iptables -A INPUT -i cali-checkout -p udp --dport 137 -j DROP

sends_to() { # ADDRESS
  in_pod checkout python3 - "$checkout_ipv4" "$1" << 'END'
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
s.bind((sys.argv[1], 137))
s.sendto(b"who is there", (sys.argv[2], 137))
END
}

# shellcheck disable=SC2119
start_agent
sends_to 10.9.0.255
expect_metric 'suppressed_total{why="broadcast"}' 1
sends_to 10.9.0.1
expect_events 1 'to 10.9.0.1 on port 137/UDP'
expect_events 0 '10.9.0.255'
stop_agent

start_agent --report-noise=broadcast
sends_to 10.9.0.255
expect_events 1 'to 10.9.0.255 on port 137/UDP'
