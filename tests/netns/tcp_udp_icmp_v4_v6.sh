#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each kind of drop, IPv4 and IPv6, makes one Event on each of the two Pods, and says who, where
# and over what.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

log_and_drop -o cali-ledger
start_agent
checkout_tries "$ledger_ipv4" tcp/5432 udp/53 ping
checkout_tries "$ledger_ipv6" tcp/5432 udp/53 ping

for family in 4 6; do
  for way in 'on port 5432/TCP' 'on port 53/UDP' 'over ICMP echo-request'; do
    expect_both "$family" 1 "$way"
  done
done
expect_events 12 .
expect_metric seen_total 6
expect_metric reported_total 6

# The line on stdout is the very object that the API server would get.
jq -es --arg node "$NODE_NAME" 'all(.[];
  .apiVersion == "v1" and .kind == "Event" and .type == "Warning" and .reason == "PacketDrop" and
  .source == {component: "kube-nflog", host: $node} and
  .involvedObject.kind == "Pod" and (.involvedObject.uid | length == 36) and
  .metadata.namespace == .involvedObject.namespace and
  (.involvedObject.name as $pod | .metadata.name | ltrimstr($pod) | test("^[.][0-9a-f]{16}$")) and
  .firstTimestamp <= .lastTimestamp and (has("eventTime") | not))' "$work/events" > /dev/null ||
  fail "not core/v1 Events as they should be: $(head -n 1 "$work/events")"
