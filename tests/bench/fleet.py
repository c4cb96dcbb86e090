#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A fleet: as many agents as a cluster has nodes, a process each, with the usual flags, against one real API server, and
one bad policy that drops everything everywhere. What that costs the server, and what another client notices. Run by
scripts/bench, in a namespace of its own.

Each agent watches its own node's Pods and reads a log of its own; who sends is a Pod of another node, so that it is
looked up and told as well."""
import argparse
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import time

from agent import PREFIX, SCRATCH, kernel_line, stamp
from cluster import Cluster, Server, Traffic, admin_connection, ipv4

PODS_A_NODE, BURST, INTERVAL = 5, 20, 30  # of writes: the agent's defaults, --node-event-burst and -interval


def say(text=""):
    print(text, flush=True)


# ---- another client, in a process of its own


def probe(seconds):
    """20 times a second it reads a Pod or writes a ConfigMap; prints the milliseconds that each took."""
    server = admin_connection()

    def ask(verb, path, body=None, kind="application/merge-patch+json"):
        server.request(verb, path, body and json.dumps(body), {"Content-Type": kind})
        answer = server.getresponse()
        answer.read()
        return answer.status

    maps, end, turn = "/api/v1/namespaces/default/configmaps", time.monotonic() + seconds, 0
    ask("POST", maps, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "probe"}}, "application/json")
    while time.monotonic() < end:
        started = time.monotonic()
        if turn % 2:
            status = ask("PATCH", f"{maps}/probe", {"data": {"turn": str(turn)}})
        else:
            status = ask("GET", f"/api/v1/namespaces/shop/pods/{pod_name(random.randrange(PODS_A_NODE))}")
        if status != 200:
            sys.exit(f"bench: the probe got {status}")
        print((time.monotonic() - started) * 1000)
        turn += 1
        time.sleep(max(0, started + 0.05 - time.monotonic()))


class Probe:
    def __init__(self, seconds):
        command = [sys.executable, __file__, "--probe", str(seconds), "-"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def result(self):
        out, _ = self.process.communicate(timeout=120)
        if self.process.returncode:
            sys.exit(out)
        took = sorted(map(float, out.split()))
        return f"p50 {took[len(took) // 2]:.1f} ms, p99 {took[len(took) * 99 // 100]:.1f} ms, max {took[-1]:.1f} ms"


# ---- the fleet


def pod_name(number):
    return f"checkout-5d9c7b6f48-{1000000 + number}"


def pod_words(nodes):
    for n in range(nodes * PODS_A_NODE):
        yield f"pod/shop/{pod_name(n)}@node-{1 + n // PODS_A_NODE}={ipv4(11, n)},owner=ReplicaSet:checkout-5d9c7b6f48"


class Fleet:
    def __init__(self, build, cluster, nodes):
        self.logs, self.agents, self.lines = [], [], 0
        for node in range(1, nodes + 1):
            path = SCRATCH / f"node-{node}.log"
            self.logs.append(open(path, "w", encoding="ascii", buffering=1 << 16))
            command = [build / "kube-nflog", "--source=file", f"--log-file={path}", f"--log-prefix={PREFIX}"]
            command += [f"--node-name=node-{node}", f"--kubeconfig={cluster.kubeconfig}"]
            err = open(SCRATCH / f"node-{node}.err", "w", encoding="ascii")
            self.agents.append(subprocess.Popen(command, stderr=err))

    def drop(self):
        """On each node, each of its Pods is sent to by a Pod of another node."""
        when, nodes = stamp(), len(self.logs)
        for node, log in enumerate(self.logs):
            for pod in range(PODS_A_NODE):
                peer = random.randrange(nodes * PODS_A_NODE)
                log.write(kernel_line(self.lines, ipv4(11, peer), ipv4(11, node * PODS_A_NODE + pod), 5432, when))
                self.lines += 1
            log.flush()

    def cpu(self):
        return sum(time.clock_gettime_ns(~agent.pid << 3 | 2) / 1e9 for agent in self.agents)

    def rss(self):
        """The largest, and the mean of what each has for itself."""
        status = [pathlib.Path(f"/proc/{agent.pid}/status").read_text(encoding="ascii") for agent in self.agents]
        rollup = [pathlib.Path(f"/proc/{agent.pid}/smaps_rollup").read_text(encoding="ascii") for agent in self.agents]
        largest = max(int(re.search(r"VmHWM:\s+(\d+)", text).group(1)) for text in status)
        own = [int(re.search(r"Pss:\s+(\d+)", text).group(1)) for text in rollup]
        return largest / 1024, sum(own) / len(own) / 1024

    def check(self):
        dead = [agent.pid for agent in self.agents if agent.poll() is not None]
        if dead:
            sys.exit(f"bench: {len(dead)} agents ended")

    def stop(self):
        for agent in self.agents:
            agent.send_signal(signal.SIGTERM)
        for agent in self.agents:
            agent.wait(timeout=60)


def is_write(request):
    return request[1] in ("create", "patch") and request[2] == "events"


def storm(fleet, seconds):
    end, due = time.monotonic() + seconds, time.monotonic()
    while time.monotonic() < end:
        fleet.drop()
        due += 1
        time.sleep(max(0, due - time.monotonic()))


def report(requests, nodes, since, seconds, settle):
    """Fails when the agents write more than their budgets."""
    writes = [when - since for when, *_ in filter(is_write, requests)]
    refused = sum(code >= 429 for _, _, _, code in requests)
    most = max(sum(at <= when < at + 1 for when in writes) for at in range(int(seconds)))
    later = [r for r in requests if r[0] - since >= settle]
    rate = len(later) / (seconds - settle)
    writes_later = sum(map(is_write, later)) / (seconds - settle)
    allowed = nodes * (BURST + seconds / INTERVAL)
    say(f"writes: {len(writes):,} in {seconds:.0f} s, of {allowed:,.0f} that the budgets allow; at most {most:,} in a second;"
        f" {refused} refused (429, 5xx)")
    say(f"from {settle:.0f} s on: {rate:,.1f} requests a second, {writes_later:.1f} of them writes (the budgets allow {nodes / INTERVAL:.1f})")
    verbs = {}
    for _, verb, resource, code in requests:
        verbs[f"{verb} {resource} {code}"] = verbs.get(f"{verb} {resource} {code}", 0) + 1
    say("all: " + ", ".join(f"{number:,} {kind}" for kind, number in sorted(verbs.items())))
    if len(writes) > allowed:
        sys.exit("bench: more writes than the budgets allow")
    return len(writes)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("build", type=pathlib.Path)
    arguments.add_argument("--agents", type=int, default=200)
    arguments.add_argument("--seconds", type=float, default=120, help="that the storm lasts")
    arguments.add_argument("--probe", type=float, help=argparse.SUPPRESS)
    arguments = arguments.parse_args()
    if arguments.probe:
        return probe(arguments.probe)
    nodes, seconds, started = arguments.agents, arguments.seconds, time.monotonic()
    calm = min(20, seconds)
    cluster, server, traffic = Cluster(), Server(), Traffic()
    cluster.make_pods(pod_words(nodes))
    say(f"A real API server with {nodes * PODS_A_NODE:,} Pods on {nodes} nodes ({time.monotonic() - started:.0f} s)")

    cpu = server.cpu()
    before = Probe(calm).result()
    say(f"without agents:     another client's requests {before}; the server's CPU {(server.cpu() - cpu) / calm:.2f}")

    since = time.time()
    fleet = Fleet(arguments.build, cluster, nodes)
    while sum(r[1] == "list" for r in cluster.requests(since)) < nodes:
        fleet.check()
        time.sleep(0.5)
    say(f"{nodes} agents are up ({time.time() - since:.0f} s)")
    time.sleep(2)
    since, bytes_before, cpu, fleet_cpu = time.time(), traffic.bytes(), server.cpu(), fleet.cpu()
    result = Probe(calm).result()
    say(f"{nodes} idle agents: another client's requests {result}; the server's CPU {(server.cpu() - cpu) / calm:.2f};"
        f" {len(cluster.requests(since))} requests of the agents; an agent's CPU {(fleet.cpu() - fleet_cpu) / calm / nodes * 1e3:.2f} ms/s")

    since, bytes_before = time.time(), traffic.bytes()
    cpu, fleet_cpu, etcd = server.cpu(), fleet.cpu(), server.etcd_bytes()
    client = Probe(seconds)
    storm(fleet, seconds)
    result = client.result()
    lasted = time.time() - since
    fleet.check()
    say(f"all is dropped:     another client's requests {result}; the server's CPU {(server.cpu() - cpu) / lasted:.2f},"
        f" memory {server.rss():,.0f} MB; an agent's CPU {(fleet.cpu() - fleet_cpu) / lasted / nodes * 1e3:.2f} ms/s")
    to, back = (after - was for after, was in zip(traffic.bytes(), bytes_before))
    requests = cluster.requests(since)
    writes = report(requests, nodes, since, lasted, min(40, lasted / 2))
    etcd = server.etcd_bytes() - etcd
    largest, own = fleet.rss()
    say(f"bytes: {to / 1e6:.1f} MB to the server and {back / 1e6:.1f} MB from it (with the other client's);"
        f" etcd grew by {etcd / 1e6:.1f} MB, {etcd / max(1, writes) / 1e3:.1f} KB a write")
    say(f"an agent's memory: at most {largest:.1f} MB resident, {own:.1f} MB of it its own (PSS, mean)")
    connection = admin_connection()
    connection.request("GET", "/readyz")
    say(f"the server's /readyz says {connection.getresponse().read().decode()}")
    fleet.stop()
    say(f"\n{time.monotonic() - started:.0f} s in all; {os.cpu_count()} cores for all of them")


main()
