# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks share that run a whole agent on an iptables log: the agent as a process, and the log's lines.
Used by log.py, k8s.py and fleet.py."""
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import urllib.request

PREFIX, PROBES = "calico-packet:", "127.0.0.1:9478"
SCRATCH = pathlib.Path(os.environ["TMPDIR"])
LOG = SCRATCH / "iptables.log"


def stamp():
    now = time.localtime()
    return time.strftime("%b ", now) + f"{now.tm_mday:2d} " + time.strftime("%H:%M:%S", now)


def kernel_line(number, source, target, port, when):
    """A dropped SYN as the kernel's LOG target and a syslog daemon write it."""
    return (
        f"{when} node-1 kernel: [{86400 + number / 1e4:12.6f}] {PREFIX} IN=cali0123456789a OUT=eth0 "
        f"MAC=ee:ee:ee:ee:ee:ee:0a:00:00:00:00:01:08:00 SRC={source} "
        f"DST={target} LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID={number % 65536} DF PROTO=TCP SPT={32768 + number % 28000} "
        f"DPT={port} WINDOW=64240 RES=0x00 SYN URGP=0 \n"
    )


class Agent:
    """A running kube-nflog that reads LOG, ready."""

    def __init__(self, build, *flags, stdout=subprocess.DEVNULL, seconds=60):
        LOG.write_bytes(b"")
        self.err = open(SCRATCH / "agent.err", "w+", encoding="utf-8", errors="replace")
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [build / "kube-nflog", "--source=file", f"--log-file={LOG}", f"--log-prefix={PREFIX}"]
            + ["--node-name=node-1", f"--listen={PROBES}", *flags],
            stdout=stdout,
            stderr=self.err,
        )
        self.until(self.is_ready, "starting", seconds)

    def until(self, condition, what, seconds=60):
        end = time.monotonic() + seconds
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

    def rss(self, which="VmHWM"):
        """MB of memory: resident at most so far, or RssAnon: its own now."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(re.search(rf"{which}:\s+(\d+)", status).group(1)) / 1024

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)
