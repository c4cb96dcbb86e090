#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Readers of one NFLOG group side by side, on the same kernel flood: what a packet costs each, what it loses, and how
much memory it takes. Run by scripts/bench, inside a network namespace.

The flood enters the node by a cable whose packets one raw PREROUTING rule logs and the next drops, so that its core
spends as little as possible on anything but NFLOG. It runs on one core, the reader on the other.
"""
import argparse
import collections
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import urllib.request

GROUP, RCVBUF, PROBES = 100, 8 << 20, "127.0.0.1:9478"
READER_CORE, FLOOD_CORE = 0, os.cpu_count() - 1
SCRATCH = pathlib.Path(os.environ["TMPDIR"])

Case = collections.namedtuple("Case", "flows rate packets")
Result = collections.namedtuple("Result", "cpu ingest_cpu lost told rss rate")

QUICK = [Case(1_000, 0, 400_000), Case(100_000, 0, 400_000), Case(1_000, 50_000, 100_000)]
FULL = [
    Case(1, 0, 1_000_000),
    Case(1_000, 0, 3_000_000),
    Case(100_000, 0, 3_000_000),
    Case(10_000_000, 0, 10_000_000),
    Case(1_000, 1_000, 2_000),
    Case(1_000, 10_000, 20_000),
    Case(1_000, 50_000, 100_000),
    Case(1_000, 100_000, 200_000),
    Case(1_000, 200_000, 400_000),
]
LONG = 1_000_000  # packets; those beyond are for kube-nflog alone, whose work and memory depend on the flows


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def until(condition, what, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"bench: {what} takes more than {seconds} s")
        time.sleep(0.01)


# ---- the kernel


def make_cable():
    run("ip", "link", "add", "flood0", "type", "veth", "peer", "name", "flood1")
    for device in "flood0", "flood1":
        run("ip", "link", "set", device, "addrgenmode", "none", "up")
    for target in ["NFLOG", "--nflog-group", str(GROUP)], ["DROP"]:
        run("iptables", "-t", "raw", "-A", "PREROUTING", "-i", "flood1", "-j", *target)


def rule_counter():
    rules = run("iptables", "-t", "raw", "-nvxL", "PREROUTING").splitlines()
    return next(int(rule.split()[0]) for rule in rules if " NFLOG " in rule)


def group_port():
    """The netlink port id of the group's reader; None: nobody reads it."""
    for row in open("/proc/net/netfilter/nfnetlink_log", encoding="ascii"):
        if int(row.split()[0]) == GROUP:
            return row.split()[1]
    return None


def socket_is_empty():
    """Whether the group's reader has received all that the kernel put into its socket."""
    port, rows = group_port(), open("/proc/net/netlink", encoding="ascii").read().splitlines()[1:]
    return all(row.split()[4] == "0" for row in rows if row.split()[1:3] == ["12", port])


# ---- the readers


class Reader:
    """A running process that reads the group."""

    def __init__(self, command):
        self.out = open(SCRATCH / "reader.out", "w+", encoding="ascii")
        self.err = open(SCRATCH / "reader.err", "w+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen(
            ["taskset", "-c", str(READER_CORE), *map(str, command)],
            stdout=self.stdout(),
            stderr=self.err,
        )
        until(lambda: group_port() or self.process.poll() is not None, "starting a reader")
        if self.process.poll() is not None:
            self.err.seek(0)
            sys.exit(f"bench: {command[0]} ended: {self.err.read()}")
        time.sleep(0.1)

    def stdout(self):
        return self.out

    def cpu(self):
        """User and system time of the whole process in ns: CPUCLOCK_SCHED, linux/posix-timers_types.h."""
        return time.clock_gettime_ns(~self.process.pid << 3 | 2)

    def ingest_cpu(self):
        return None

    def rss(self):
        return int(re.search(r"VmHWM:\s+(\d+)", self.proc("status")).group(1))

    def proc(self, path):
        return pathlib.Path(f"/proc/{self.process.pid}/{path}").read_text(encoding="ascii")

    def told_loss(self):
        """How many packets the reader itself says that it lost; None: it does not say."""
        return None

    def stop(self):
        """Ends the reader, and returns how many packets it received."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)
        return self.received()


class NullReader(Reader):
    name = "null reader"

    def __init__(self, build):
        super().__init__([build / "tests/null_reader", GROUP, RCVBUF])

    def received(self):
        self.out.seek(0)
        return int(self.out.read())


class KubeNflog(Reader):
    name = "kube-nflog"

    def __init__(self, build):
        super().__init__(
            [build / "kube-nflog", "--source=nflog", f"--nflog-group={GROUP}", f"--rcvbuf-bytes={RCVBUF}"]
            + ["--sink=stdout", f"--pods={SCRATCH / 'pods.json'}", "--node-name=node-1", f"--listen={PROBES}"]
        )

    def stdout(self):
        return subprocess.DEVNULL

    def ingest_cpu(self):
        for task in os.listdir(f"/proc/{self.process.pid}/task"):
            if self.proc(f"task/{task}/comm") == "ingest\n":
                return int(self.proc(f"task/{task}/schedstat").split()[0])
        return sys.exit("bench: kube-nflog has no thread of the name ingest")

    def metrics(self):
        page = urllib.request.urlopen(f"http://{PROBES}/metrics", timeout=5).read().decode()
        return {name: int(float(value)) for name, value in re.findall(r"^(kube_nflog_\S+) (\S+)$", page, re.M)}

    def told_loss(self):
        self.last = self.metrics()
        return self.last['kube_nflog_lost_total{where="netlink_overrun"}']

    def received(self):
        return self.last["kube_nflog_seen_total"]


class Ulogd(Reader):
    name = "ulogd2"
    plugins = "inppkt_NFLOG raw2packet_BASE filter_IFINDEX filter_IP2STR filter_PRINTPKT output_LOGEMU"

    def __init__(self, build):
        tree = build / "ulogd2"
        folder = next(tree.glob("usr/lib/*/ulogd"))
        self.lines = SCRATCH / "ulogd.lines"
        self.lines.unlink(missing_ok=True)
        config = SCRATCH / "ulogd.conf"
        config.write_text(
            f'[global]\nlogfile="{SCRATCH}/ulogd.log"\n'
            + "".join(f'plugin="{folder}/ulogd_{plugin}.so"\n' for plugin in self.plugins.split())
            + "stack=log1:NFLOG,base1:BASE,ifi1:IFINDEX,ip2str1:IP2STR,print1:PRINTPKT,emu1:LOGEMU\n"
            # Tuned as well as it lets itself be: batches and buffers of kube-nflog's size, no sync.
            + f"[log1]\ngroup={GROUP}\nnetlink_socket_buffer_size={RCVBUF}\n"
            + f"netlink_socket_buffer_maxsize={RCVBUF}\nnetlink_qthreshold=128\nnetlink_qtimeout=1\nbufsize=65024\n"
            + f'[emu1]\nfile="{self.lines}"\nsync=0\n'
        )
        super().__init__([tree / "usr/sbin/ulogd", "-c", config])

    def received(self):
        with open(self.lines, "rb") as lines:
            return sum(block.count(b"\n") for block in iter(lambda: lines.read(1 << 20), b""))


READERS = [NullReader, KubeNflog, Ulogd]


# ---- the runs


def flood(build, *numbers):
    command = ["taskset", "-c", str(FLOOD_CORE), build / "tests/blast", "flood0", "flood1", *numbers]
    return float(run(*map(str, command)))


def measure(build, kind, case):
    logged = rule_counter()
    reader = kind(build)
    packets = case.packets if kind is KubeNflog else min(case.packets, LONG)
    cpu, ingest_cpu = reader.cpu(), reader.ingest_cpu()
    rate = flood(build, case.flows, packets, case.rate)
    until(socket_is_empty, "emptying the socket")
    time.sleep(0.05)  # for what was received last
    cpu = reader.cpu() - cpu
    if ingest_cpu is not None:
        ingest_cpu = reader.ingest_cpu() - ingest_cpu
    flood(build, 1, 1, 0)  # a loss shows when the next record arrives
    time.sleep(0.1)
    told, rss = reader.told_loss(), reader.rss()
    received = reader.stop()
    logged = rule_counter() - logged
    if logged < packets:
        sys.exit(f"bench: of {packets} packets the rule logged {logged}")
    per_packet = ingest_cpu and ingest_cpu / received
    return Result(cpu / max(received, 1), per_packet, logged - received, told, rss, rate)


def best(results):
    """Of equal runs: the least CPU, which other programs disturbed least; the most loss and memory."""
    return Result(
        cpu=min(r.cpu for r in results),
        ingest_cpu=results[0].ingest_cpu and min(r.ingest_cpu for r in results),
        lost=max(r.lost for r in results),
        told=results[0].told if results[0].told is None else max(r.told for r in results),
        rss=max(r.rss for r in results),
        rate=max(r.rate for r in results),
    )


HEAD = f"{'flows':>10}  {'packets/s':>9}  {'reader':<12} {'CPU ns/packet':>13} {'x null':>7}  {'lost':>8} {'told':>8}  {'peak RSS':>9}"


def show(case, kind, result, null):
    told = "-" if result.told is None else f"{result.told:,}"
    print(
        f"{case.flows:>10,}  {result.rate:>9,.0f}  {kind.name:<12} {result.cpu:>13,.0f} {result.cpu / null.cpu:>7.2f}"
        f"  {result.lost:>8,} {told:>8}  {result.rss / 1024:>6.1f} MB",
        flush=True,
    )
    if result.ingest_cpu:
        cpu = result.ingest_cpu
        print(f"{'':>21}  {'  its capture':<12} {cpu:>12,.0f} {cpu / null.cpu:>7.2f}", flush=True)


def compare(build, cases, times):
    table, uncounted = {}, 0
    for case in cases:
        runs = {kind: [] for kind in READERS}
        for _ in range(1 if case.packets > LONG else times):
            for kind in READERS:
                runs[kind].append(measure(build, kind, case))
        uncounted += sum(abs(r.lost - r.told) for r in runs[KubeNflog])
        table[case] = {kind: best(results) for kind, results in runs.items()}
        for kind, result in table[case].items():
            show(case, kind, result, table[case][NullReader])
    return table, uncounted


def summary(table):
    for case, results in table.items():
        null, ours, ulogd = (results[kind].cpu for kind in READERS)
        pace = "as fast as one core sends" if case.rate == 0 else f"at {case.rate:,}/s"
        print(f"{case.flows:>10,} flows {pace:<26} {ours / null:.2f} x the null reader, 1/{ulogd / ours:.1f} of ulogd2")


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("build", type=pathlib.Path)
    arguments.add_argument("--quick", action="store_true")
    quick = arguments.parse_args().quick
    build = arguments.parse_args().build
    started = time.monotonic()
    make_cable()
    print(HEAD)
    table, uncounted = compare(build, QUICK if quick else FULL, 1 if quick else 2)
    print("\nCPU: user and system time of the process by packet received. told: what the reader itself reports as lost.\n")
    summary(table)
    print(f"\n{time.monotonic() - started:.0f} s in all")
    if uncounted:
        sys.exit(f"bench: kube-nflog lost {uncounted} packets without counting them")


main()
