#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""write_position.py DIRECTORY SOURCE POSITION: a state file of that position alone, as core/state_file would write it."""
import sys


def checksum(h: int, data: bytes) -> int:
    words = [data[i : i + 8] for i in range(0, len(data), 8)]
    for word in [len(data), *(int.from_bytes(word, sys.byteorder) for word in words)]:
        h = (h ^ word) * 0x9E3779B97F4A7C15 & (1 << 64) - 1
        h ^= h >> 32
    return h


directory, source, position = sys.argv[1], sys.argv[2], sys.argv[3].encode()
with open(f"{directory}/{source}.state", "wb") as file:
    sum_of_both = checksum(checksum(0, position), b"")
    file.write(f"kube-nflog state 1 {source} {len(position)} 0 {sum_of_both}\n".encode() + position)
