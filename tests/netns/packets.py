#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""packets.py NUMBER SRC4 DST4 SRC6 DST6: so many packets of each family, of whatever kinds are well formed; prints how
many. The same ones each time.

Not those of which the LOG target writes less: SCTP (no ports), ESP over IPv6 and later fragments of AH (no protocol).
"""
import random
import socket
import struct
import sys
import time

sys.dont_write_bytecode = True  # nothing is left in the tree
from garbage import ipv4

random.seed(1)
TCP, UDP, ICMP, ICMPV6, AH, UDPLITE = 6, 17, 1, 58, 51, 136
HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION = 0, 43, 44, 60
BY_NUMBER = 4, 47, 89, 103, 112, 115, 253  # protocols
ICMP_ERRORS, ICMP_OTHERS = (3, 4, 5, 11, 12), (0, 8, 9, 10, 13, 14, 15, 42)
ICMPV6_ERRORS, ICMPV6_OTHERS = (1, 2, 3, 4), (128, 129, 130, 132, 133, 134, 135, 136, 137, 143, 200)


def ipv6(src, dst, protocol, payload):
    return struct.pack("!IHBB", 0x60000000, len(payload), protocol, 64) + \
        socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst) + payload


def transport(protocol_of_icmp, quote):
    """A protocol and its header; of an ICMP error, what it quotes as well."""
    port = random.randrange(1, 65536)
    flags = random.choice((0x02, 0x02, 0x12, 0x10, 0x04))  # SYN, SYN, SYN ACK, ACK, RST
    kind = random.choice(("tcp", "udp", "udplite", "icmp", "error", "ah", "number"))
    if kind == "tcp":
        return TCP, struct.pack("!HHIIBBHHH", 40000, port, 1, 0, 0x50, flags, 1000, 0, 0)
    if kind in ("udp", "udplite"):
        return UDP if kind == "udp" else UDPLITE, struct.pack("!HHHH", 40000, port, 8, 0)
    if kind == "ah":
        return AH, struct.pack("!BBHIIIII", 59, 4, 0, 1, 1, 2, 3, 4)
    if kind == "number":
        return random.choice(BY_NUMBER), random.randbytes(24)
    errors, others = (ICMP_ERRORS, ICMP_OTHERS) if protocol_of_icmp == ICMP else (ICMPV6_ERRORS, ICMPV6_OTHERS)
    if kind == "error" and quote:
        return protocol_of_icmp, struct.pack("!BBHI", random.choice(errors), random.randrange(5), 0, 1280) + quote()
    return protocol_of_icmp, struct.pack("!BBHI", random.choice(others), 0, 0, 1 << 16)


def extended(protocol, payload):
    """The same behind up to three extension headers of IPv6."""
    for _ in range(random.randrange(4)):
        kind = random.choice((ROUTING, DESTINATION, AH, FRAGMENT))
        if kind == DESTINATION:
            header = bytes([protocol, 1, 1, 12]) + bytes(12)  # padding
        elif kind == ROUTING:
            header = bytes([protocol, 0, 4, 0, 0, 0, 0, 0])
        elif kind == AH:
            header = struct.pack("!BBHIIIII", protocol, 4, 0, 1, 1, 2, 3, 4)
        else:
            header = struct.pack("!BBHI", protocol, 0, random.randrange(2), 7)  # the first, or the only one
        protocol, payload = kind, header + payload
    if random.randrange(4) == 0:
        protocol, payload = HOP_BY_HOP, bytes([protocol, 0, 1, 4, 0, 0, 0, 0]) + payload
    return protocol, payload


def random_ipv4(src, dst):
    protocol, payload = transport(ICMP, lambda: ipv4(dst, src, *transport(ICMP, None)))
    more, later = 0x2000, random.randrange(1, 1000)
    return ipv4(src, dst, protocol, payload, options=bytes([1]) * 4 * random.choice((0, 0, 1, 10)),
                fragment=random.choice((0, 0, 0, 0x4000, more, later)) if protocol != AH else 0)


def random_ipv6(src, dst):
    return ipv6(src, dst, *extended(*transport(ICMPV6, lambda: ipv6(dst, src, *transport(ICMPV6, None)))))


def send(family, packets, dst):
    with socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        for packet in packets:
            raw.sendto(packet, (dst, 0))
            time.sleep(0.002)  # the kernel's log is small


number = int(sys.argv[1])
src4, dst4, src6, dst6 = sys.argv[2:]
send(socket.AF_INET, (random_ipv4(src4, dst4) for _ in range(number)), dst4)
send(socket.AF_INET6, (random_ipv6(src6, dst6) for _ in range(number)), dst6)
print(2 * number)
