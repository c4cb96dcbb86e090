#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""For latency.sh: how long from a packet to the arrival of its Events at the API server.

latency.py send ADDR N                       N lone UDP packets, each to a port of its own;
                                             prints a line each: PORT SECONDS (since the epoch)
latency.py evaluate SENT EVENTS AUDIT-LOG    prints p50 p99 max in milliseconds
"""
import datetime
import json
import random
import re
import socket
import sys
import time


def send(address, number):
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for port in range(20000, 20000 + number):
        time.sleep(random.uniform(0.05, 0.09))  # lone: what the last one made is over
        sent = time.time()
        sender.sendto(b"x", (address, port))
        print(port, f"{sent:.6f}")


def arrivals(audit_log):
    """(namespace, name) of each Event that was POSTed -> when the request was received."""
    posted = {}
    for line in audit_log:
        entry = json.loads(line)
        what = entry.get("objectRef", {})
        if entry["verb"] == "create" and what.get("resource") == "events":
            when = datetime.datetime.fromisoformat(entry["requestReceivedTimestamp"][:-1] + "+00:00")
            posted[what["namespace"], what["name"]] = when.timestamp()
    return posted


def evaluate(sent, events, audit_log):
    sent = {int(port): float(at) for port, at in map(str.split, sent)}
    posted = arrivals(audit_log)
    took = {}
    for event in json.load(events)["items"]:
        port = int(re.search(r"on port (\d+)/UDP", event["message"])[1])
        at = posted[event["metadata"]["namespace"], event["metadata"]["name"]]
        took.setdefault(port, []).append((at - sent[port]) * 1000)
    if sorted(took) != sorted(sent) or any(len(times) != 2 for times in took.values()):
        sys.exit("not every packet has two Events")
    worst = sorted(map(max, took.values()))
    if worst[0] <= 0:
        sys.exit(f"an Event arrived {-worst[0]:.1f} ms before its packet")
    print(*(f"{worst[min(len(worst) - 1, len(worst) * p // 100)]:.1f}" for p in (50, 99, 100)))


if sys.argv[1] == "send":
    send(sys.argv[2], int(sys.argv[3]))
else:
    with open(sys.argv[2]) as sent, open(sys.argv[3]) as events, open(sys.argv[4]) as audit_log:
        evaluate(sent, events, audit_log)
