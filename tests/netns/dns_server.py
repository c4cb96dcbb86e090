#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A DNS server for what a well-behaved one cannot be made to do.

  dns_server.py PORT   on 127.0.0.1, UDP and TCP; prints each name that it is asked for

The last byte of the address in the question says what is answered.
"""
import socket
import struct
import sys
import threading

PTR, SOA = 12, 6


def wire(name):
    """Labels as they are, whatever bytes they hold."""
    return b"".join(bytes([len(part)]) + part for part in name.encode("latin1").split(b".")) + b"\0"


def ptr(*names, ttl=300):
    return [(PTR, ttl, wire(name)) for name in names]


ANSWERS = {
    "20": ptr("evil\x1b[31m.example.com"),
    "21": ptr("shop/web (IP: 10.0.0.1) on port 80.example.com"),
    "22": ptr("10.96.0.1"),
    "23": ptr("ledger-db.payments.svc.cluster.local"),  # of an address on the Internet
    "24": ptr(*(f"host-{n}.{'x' * 60}.example.com" for n in range(500))),  # by TCP, 45 kB
    "25": ptr("short.example.com", ttl=0),
    "26": ptr("B.example.com", "a.example.com"),
    "28": ptr("x" * 60 + "." + "y" * 60 + "." + "z" * 60 + "." + "w" * 60 + ".com"),
}


def question(query):
    end = 12
    labels = []
    while query[end]:
        labels.append(query[end + 1 : end + 1 + query[end]].decode())
        end += 1 + query[end]
    return labels, query[12 : end + 5]


def answer(query, most):
    labels, asked = question(query)
    print(".".join(labels), flush=True)
    if labels[0] == "27":
        return query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + asked + b"\xc0"  # cut short
    records = ANSWERS.get(labels[0], [])
    body = b"".join(
        b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, ttl, len(data)) + data
        for kind, ttl, data in records
    )
    flags, count = 0x8180 if records else 0x8183, len(records)
    if 12 + len(asked) + len(body) > most:
        flags, count, body = flags | 0x0200, 0, b""
    return query[:2] + struct.pack(">HHHHH", flags, 1, count, 0, 0) + asked + body


def serve_tcp(listener):
    while True:
        connection, _ = listener.accept()
        with connection:
            size = struct.unpack(">H", connection.recv(2, socket.MSG_WAITALL))[0]
            reply = answer(connection.recv(size, socket.MSG_WAITALL), 65535)
            connection.sendall(struct.pack(">H", len(reply)) + reply)


def main():
    place = ("127.0.0.1", int(sys.argv[1]))
    listener = socket.create_server(place)
    threading.Thread(target=serve_tcp, args=(listener,), daemon=True).start()
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(place)
    print("ready", flush=True)
    while True:
        query, client = udp.recvfrom(4096)
        udp.sendto(answer(query, 512), client)


if __name__ == "__main__":
    main()
