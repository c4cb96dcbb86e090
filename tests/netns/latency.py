#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""latency.py ADDR FILE N: sends N lone UDP packets, each to a port of its own, and watches FILE
for the line on each. Prints the time from packet to line, in milliseconds: p50 p99 max."""
import random
import socket
import sys
import time

address, path, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
random.seed(1)
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
took = []
with open(path, "rb") as lines:
    for port in range(20000, 20000 + number):
        lines.seek(0, 2)
        sent = time.monotonic()
        sender.sendto(b"x", (address, port))
        seen = b""
        while f"on port {port}/UDP".encode() not in seen:
            if time.monotonic() - sent > 10:
                sys.exit(f"no line on port {port} after 10 s")
            time.sleep(0.0002)
            seen += lines.read()
        took.append((time.monotonic() - sent) * 1000)
        time.sleep(random.uniform(0.02, 0.06))  # lone: the batch before is over
took.sort()
print(*(f"{took[min(number - 1, number * p // 100)]:.1f}" for p in (50, 99, 100)))
