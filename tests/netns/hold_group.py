#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hold_group.py GROUP: another reader of an NFLOG group. Prints its netlink port id once it has it; reads nothing."""
import socket
import struct
import sys
import time


def attribute(number, value):
    return struct.pack("=HH", 4 + len(value), number) + value + b"\0" * (-len(value) % 4)


netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)  # NETLINK_NETFILTER
netlink.bind((0, 0))
body = struct.pack("!BBH", 0, 0, int(sys.argv[1])) + attribute(1, b"\1")  # NFULA_CFG_CMD: BIND
netlink.send(struct.pack("=IHHII", 16 + len(body), 0x0401, 5, 1, 0) + body)
error = struct.unpack_from("=i", netlink.recv(4096), 16)[0]
if error:
    sys.exit(f"cannot bind: {error}")
print(netlink.getsockname()[0], flush=True)
time.sleep(120)
