#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The agent gets no processor for half a second while 50,000 packets a second are dropped: the socket buffer holds them
# all.
# Alone: it is about a processor that others have.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

add_flood_cable
start_agent
"$blast" flood0 flood1 1000 100000 50000 &
sleep 0.5
kill -STOP "$agent"
sleep 0.5
kill -CONT "$agent"
wait $!
expect_logged 100000
expect_metric seen_total 100000 30
expect_metric 'lost_total{where="netlink_overrun"}' 0
stop_agent
