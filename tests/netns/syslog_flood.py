#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""syslog_flood.py PORT RATE SECONDS: sends RATE lines of the LOG target a second to the syslog daemon at that TCP port,
of 500 flows to Pod ledger, and prints how many it sent."""
import socket
import sys
import time

port, rate, seconds = map(int, sys.argv[1:])
connection = socket.create_connection(("127.0.0.1", port))
started, sent = time.monotonic(), 0
while sent < rate * seconds:
    due = min(rate * seconds, int((time.monotonic() - started) * rate))
    when = time.strftime("%b %e %H:%M:%S")
    connection.sendall(
        b"".join(
            f"<4>{when} node-1 kernel: [{number / 1000:12.6f}] policy-drop: IN=cali-a OUT=cali-b SRC=10.9.{number % 2}.{number % 250} "
            f"DST=10.1.0.3 LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID={number % 65536} DF PROTO=TCP SPT=40000 DPT=5432 "
            "WINDOW=64240 RES=0x00 SYN URGP=0 \n".encode()
            for number in range(sent, due)
        )
    )
    sent = due
    time.sleep(0.005)
print(sent)
