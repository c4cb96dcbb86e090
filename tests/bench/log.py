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
import signal
import subprocess
import sys
import time
import urllib.request

PREFIX, PROBES, POD = "calico-packet:", "127.0.0.1:9478", "10.1.0.3"
SCRATCH = pathlib.Path(os.environ["TMPDIR"])
LOG = SCRATCH / "iptables.log"

Log = collections.namedtuple("Log", "name path lines matching")
Cost = collections.namedtuple("Cost", "cpu wall")


# ---- the logs


def stamp():
    now = time.localtime()
    return time.strftime("%b ", now) + f"{now.tm_mday:2d} " + time.strftime("%H:%M:%S", now)


def kernel_line(number, flow, when):
    return (
        f"{when} node-1 kernel: [{86400 + number / 1e4:12.6f}] {PREFIX} IN=cali0123456789a OUT=eth0 "
        f"MAC=ee:ee:ee:ee:ee:ee:0a:00:00:00:00:01:08:00 SRC=10.{flow // 65536 % 256}.{flow // 256 % 256}.{flow % 256} "
        f"DST={POD} LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID={number % 65536} DF PROTO=TCP SPT={32768 + number % 28000} "
        f"DPT={8000 + flow % 7} WINDOW=64240 RES=0x00 SYN URGP=0 \n"
    )


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
                log.write(kernel_line(number, number * 7919 % 5000, when))
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


class Agent:
    def __init__(self, build, stdout):
        LOG.write_bytes(b"")
        self.err = open(SCRATCH / "agent.err", "w+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen(
            [build / "kube-nflog", "--source=file", f"--log-file={LOG}", f"--log-prefix={PREFIX}", "--sink=stdout"]
            + [f"--pods={SCRATCH / 'pods.json'}", "--node-name=node-1", f"--listen={PROBES}"],
            stdout=stdout,
            stderr=self.err,
        )
        self.until(self.is_ready, "starting")

    def until(self, condition, what):
        end = time.monotonic() + 60
        while not condition():
            if self.process.poll() is not None or time.monotonic() > end:
                self.err.seek(0)
                sys.exit(f"bench: {what}: {self.err.read()}")
            time.sleep(0.005)

    def is_ready(self):
        try:
            return urllib.request.urlopen(f"http://{PROBES}/readyz", timeout=5).status == 200
        except OSError:
            return False

    def metric(self, name):
        page = urllib.request.urlopen(f"http://{PROBES}/metrics", timeout=5).read().decode()
        return sum(int(float(v)) for v in re.findall(rf"^kube_nflog_{name}(?:{{.*}})? (\S+)$", page, re.M))

    def cpu(self):
        """User and system time of the whole process: CPUCLOCK_SCHED, linux/posix-timers_types.h."""
        return time.clock_gettime_ns(~self.process.pid << 3 | 2) / 1e9

    def rss(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmHWM:\s+(\d+)", status).group(1)) / 1024

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)


def agent(build, log):
    """The log comes by rename, whole, as the successor of an empty one."""
    run = Agent(build, subprocess.DEVNULL)
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
    run = Agent(build, subprocess.PIPE)
    os.set_blocking(run.process.stdout.fileno(), False)
    took = []
    with open(LOG, "a", encoding="ascii", buffering=1) as log:
        for port in range(20000, 20000 + number):
            line = re.sub("DPT=[0-9]+", f"DPT={port}", kernel_line(port, port, stamp()))
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
