#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The whole agent on a log of many lines, from the log's appearance to the last one counted, beside grep on the same
file; and how soon a lone line is told. Run by scripts/bench, in a namespace whose scratch directory is in memory.

Of grep, what counts lines with a fixed string: it does the least that a reader of this log can do.
"""
import argparse
import collections
import os
import pathlib
import random
import re
import resource
import subprocess
import sys
import time

from agent import LOG, PREFIX, SCRATCH, Agent, kernel_line, stamp

POD = "10.1.0.3"
OFFLINE = ["--sink=stdout", f"--pods={SCRATCH / 'pods.json'}"]

Log = collections.namedtuple("Log", "name path lines matching")
Cost = collections.namedtuple("Cost", "cpu wall")


# ---- the logs


def numbered_line(number, flow, when):
    source = f"10.{flow // 65536 % 256}.{flow // 256 % 256}.{flow % 256}"
    return kernel_line(number, source, POD, 8000 + flow % 7, when)


def noise_line(number, when):
    unit = ("kubelet", "containerd", "systemd", "sshd")[number % 4]
    return (
        f'{when} node-1 {unit}[{1000 + number % 9}]: I1123 {number % 86400:05d}.{number % 1000000:06d} 4242 '
        f'reconciler_common.go:245] "operationExecutor.VerifyControllerAttachedVolume started for volume" '
        f'pod="shop/checkout-{number % 512:04x}" OK={number % 3}\n'
    )


def write_log(name, lines, share):
    path, when, matching = SCRATCH / f"{name}.log", stamp(), 0
    with open(path, "w", encoding="ascii") as log:
        for number in range(lines):
            if number % 100 < share:
                matching += 1
                log.write(numbered_line(number, number * 7919 % 5000, when))
            else:
                log.write(noise_line(number, when))
    return Log(name, path, lines, matching)


# ---- the readers


def grep(log):
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    run = subprocess.run(["grep", "-c", "-F", PREFIX, log.path], stdout=subprocess.PIPE, check=True)
    wall, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if int(run.stdout) != log.matching:
        sys.exit(f"bench: grep counts {run.stdout}, not {log.matching}")
    return Cost(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall)


def agent(build, log):
    """The log comes by rename, whole, as the successor of an empty one."""
    run = Agent(build, *OFFLINE)
    copy = SCRATCH / "next.log"
    os.link(log.path, copy)
    before, started = run.cpu(), time.monotonic()
    os.rename(copy, LOG)
    run.until(lambda: run.metric("seen_total") == log.matching, "reading")
    wall = time.monotonic() - started
    time.sleep(0.1)  # what is on its way to the Events
    cost, rss = Cost(run.cpu() - before, wall), run.rss()
    if run.metric("lost_total"):
        sys.exit("bench: the agent lost drops")
    run.stop()
    LOG.unlink()
    return cost, rss


def lone_lines(build, number):
    """Milliseconds from the write of a line to its Event on stdout, sorted."""
    run = Agent(build, *OFFLINE, stdout=subprocess.PIPE)
    os.set_blocking(run.process.stdout.fileno(), False)
    took = []
    with open(LOG, "a", encoding="ascii", buffering=1) as log:
        for port in range(20000, 20000 + number):
            line = re.sub("DPT=[0-9]+", f"DPT={port}", numbered_line(port, port, stamp()))
            told, started = b"", time.monotonic()
            log.write(line)
            while f"on port {port}/TCP".encode() not in told:
                if time.monotonic() - started > 10:
                    sys.exit(f"bench: no Event on port {port} after 10 s")
                told += run.process.stdout.read() or b""
            took.append((time.monotonic() - started) * 1000)
            time.sleep(random.uniform(0.02, 0.06))
    run.stop()
    return sorted(took)


# ---- the runs


def compare(build, log, times):
    pairs = [(agent(build, log), grep(log)) for _ in range(times)]
    ours = min((cost for (cost, _), _ in pairs), key=lambda cost: cost.cpu)
    theirs = min((cost for _, cost in pairs), key=lambda cost: cost.cpu)
    rss = max(rss for (_, rss), _ in pairs)
    size = log.path.stat().st_size
    for name, cost, memory in ("kube-nflog", ours, f"{rss:>7.1f} MB"), ("grep -c -F", theirs, f"{'-':>10}"):
        print(
            f"{log.name:<9} {log.lines:>9,} {name:<11} {cost.cpu:>7.3f} {cost.wall:>7.3f} {log.lines / cost.cpu / 1e6:>9.2f}"
            f" {size / cost.cpu / 1e6:>9,.0f} {memory} {cost.cpu / theirs.cpu:>7.2f}",
            flush=True,
        )


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("build", type=pathlib.Path)
    arguments.add_argument("--quick", action="store_true")
    arguments = arguments.parse_args()
    lines, times = (200_000, 1) if arguments.quick else (1_000_000, 5)
    print(f"{'log':<9} {'lines':>9} {'reader':<11} {'CPU s':>7} {'wall s':>7} {'M lines/s':>9} {'MB/s':>9} {'peak RSS':>10} {'x grep':>7}")
    for name, share in ("matching", 100), ("noise", 1):
        log = write_log(name, lines, share)
        compare(arguments.build, log, times)
        log.path.unlink()
    took = lone_lines(arguments.build, 50)
    print("\nLines and bytes by second of CPU, user and system, of the whole process.")
    print(f"A lone line, from its write to its Event on stdout, 50 times: p50 {took[24]:.1f} ms, p99 {took[49]:.1f} ms")


main()
