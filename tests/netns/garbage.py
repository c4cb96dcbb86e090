#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""garbage packets SRC DST: IPv4 packets of every strange kind, from raw sockets; prints how many.
garbage frames SRC DST MAC: Ethernet frames with no VLAN tag, with one, and with two, from eth0.
garbage datagrams PORTID: netlink messages to the agent's socket that only the kernel may send.
"""
import random
import socket
import struct
import sys

random.seed(1)


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def ipv4(src, dst, protocol, payload, options=b"", fragment=0):
    words = 5 + len(options) // 4
    header = struct.pack(
        "!BBHHHBBH4s4s", 0x40 | words, 0, words * 4 + len(payload), 1, fragment, 64, protocol, 0,
        socket.inet_aton(src), socket.inet_aton(dst)) + options
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


def packets(src, dst):
    yield ipv4(src, dst, 6, b"")  # TCP without a byte of TCP
    yield ipv4(src, dst, 6, struct.pack("!HH", 40000, 5432))  # cut after the ports
    yield ipv4(src, dst, 17, b"\x9c")  # half a port
    yield ipv4(src, dst, 17, struct.pack("!HHHH", 40000, 7, 8, 0), options=b"\x01" * 40)
    yield ipv4(src, dst, 17, b"\xff" * 64, fragment=100)  # a later fragment: no ports in it
    yield ipv4(src, dst, 1, b"\x03")  # half an ICMP type and code
    yield ipv4(src, dst, 132, struct.pack("!HHII", 40000, 3868, 0, 0))  # SCTP
    for protocol in (0, 4, 41, 47, 50, 51, 58, 89, 103, 136, 253, 255):
        yield ipv4(src, dst, protocol, random.randbytes(40))
    for size in range(60):
        yield ipv4(src, dst, random.choice((1, 6, 17, 132, 136)), random.randbytes(size))


def send_packets(src, dst):
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    count = 0
    for packet in packets(src, dst):
        raw.sendto(packet, (dst, 0))
        count += 1
    print(count)


def message(kind, body=b"", length=None):
    return struct.pack("=IHHII", 16 + len(body) if length is None else length, kind, 0, 0, 0) + body


def record(payload):
    def attribute(number, value):
        return struct.pack("=HH", 4 + len(value), number) + value + b"\0" * (-len(value) % 4)
    body = struct.pack("!BBH", socket.AF_INET, 0, 100)
    body += attribute(1, struct.pack("!HBB", 0x0800, 2, 0))  # forwarded IPv4
    body += attribute(10, b"\0") + attribute(9, payload)
    return message(0x0400, body)


def send_datagrams(portid):
    netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
    forged = record(ipv4("10.1.0.2", "10.1.0.3", 17, struct.pack("!HHHH", 40000, 666, 8, 0)))
    done, huge = message(3), message(0x0400, length=0xFFFFFFFF)
    error = message(2, struct.pack("=i", -105))
    for datagram in forged, forged[:-7], b"x", done, huge, error:
        netlink.sendto(datagram, (portid, 0))
    for _ in range(2000):
        mangled = bytearray(forged)
        for _ in range(random.randint(1, 8)):
            mangled[random.randrange(len(mangled))] = random.randrange(256)
        netlink.sendto(bytes(mangled), (portid, 0))


def send_frames(src, dst, station):
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    raw.bind(("eth0", 0))
    for tags in ((), (0x8100,), (0x88A8, 0x8100)):  # none, 802.1Q, 802.1ad with 802.1Q inside
        stack = b"".join(struct.pack("!HH", tag, 100 + i) for i, tag in enumerate(tags))
        packet = ipv4(src, dst, 17, struct.pack("!HHHH", 40000, len(tags), 8, 0))
        raw.send(bytes.fromhex(station) + bytes.fromhex("020000000002") + stack + b"\x08\x00" + packet)


if __name__ == "__main__":
    if sys.argv[1] == "packets":
        send_packets(sys.argv[2], sys.argv[3])
    elif sys.argv[1] == "frames":
        send_frames(*sys.argv[2:])
    else:
        send_datagrams(int(sys.argv[2]))
