#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What kube-nflog costs on the side of Kubernetes, beside a real API server: memory and CPU by the number of Pods,
watch events and Events a second, requests and bytes an hour. Run by scripts/bench, in a namespace of its own."""
import argparse
import pathlib
import sys
import time

from agent import LOG, Agent, kernel_line, stamp
from cluster import Cluster, Server, StandIn, Traffic, admin_connection, ipv4

UNBOUNDED = ["--node-event-burst=10000", "--pod-event-burst=10000"]
LOCAL_PODS, PODS_A_NODE = 110, 110
REST = 65  # seconds after which it has given back what only the start needed
AIM_MB = {("node", 110): 12, ("cluster", 10_000): 30, ("cluster", 100_000): 150}


def say(text=""):
    print(text, flush=True)


# ---- memory and CPU by the number of Pods


def pod_words(first, last):
    for n in range(first, last):
        name = f"shop/checkout-5d9c7b6f48-{1000000 + n}"
        yield f"pod/{name}@node-{1 + n // PODS_A_NODE}={ipv4(11, n)},owner=ReplicaSet:checkout-5d9c7b6f48"


def measure_pods(build, kubeconfig, scope, pods, server, listed_bytes=lambda: 0):
    run = Agent(build, f"--kubeconfig={kubeconfig}", f"--pod-scope={scope}", seconds=600)
    time.sleep(1)  # what comes after the list
    wall, cpu, missed = time.monotonic() - run.started, run.cpu(), ""
    time.sleep(max(0, run.started + REST - time.monotonic()))
    known, rest, peak, own = run.metric("pods_cached"), run.rss("VmRSS"), run.rss(), run.rss("RssAnon")
    if known != pods:
        sys.exit(f"bench: the agent knows {known} Pods, not {pods}")
    aim = AIM_MB.get((scope, pods))
    if aim:
        missed = f"  aim {aim} MB" + ("" if rest <= aim else " MISSED")
    size = f"{listed_bytes() / 1e6:>7.1f}" if listed_bytes() else f"{'-':>7}"
    say(f"{scope:<8} {pods:>8,} {server:<9} {size} {cpu:>7.2f} {wall - 1:>7.1f} {rest:>6.1f} {peak:>6.1f} {own:>7.1f}{missed}")
    run.stop()


def measure_memory(build, cluster, quick):
    say(f"\n{'scope':<8} {'Pods':>8} {'server':<9} {'list MB':>7} {'CPU s':>7} {'wall s':>7} {'RSS':>6} {'peak':>6} {'its own':>7}")
    cluster.make_pods(pod_words(0, LOCAL_PODS))
    measure_pods(build, cluster.kubeconfig, "node", LOCAL_PODS, "real")
    made = LOCAL_PODS
    for pods in [1_000] if quick else [1_000, 10_000]:
        cluster.make_pods(pod_words(made, pods))
        made = pods
        measure_pods(build, cluster.kubeconfig, "cluster", pods, "real")
    lookup = measure_lookups(50)
    for pods in [10_000] if quick else [10_000, 100_000]:
        stand_in = StandIn(cluster, pods)
        measure_pods(build, stand_in.kubeconfig, "cluster", pods, "stand-in", lambda: stand_in.listed_bytes)
        stand_in.close()
    say(f"one look-up of an address costs the server {lookup:.1f} ms of CPU at {made:,} Pods: it reads them all")
    say("MB of memory, RSS and its own a minute after the start; the rest is of libraries. CPU, wall: seconds from the start")
    say("until the Pods are known. The stand-in's Pods are of 2.8 KB, as with managedFields.")


def measure_lookups(number):
    """What the agent asks about an address that is no Pod of its node: milliseconds of the server's CPU each."""
    server, connection = Server(), admin_connection()
    before = server.cpu()
    for n in range(number):
        connection.request("GET", f"/api/v1/pods?resourceVersion=0&fieldSelector=status.podIP%3D{ipv4(12, n)}")
        connection.getresponse().read()
    return (server.cpu() - before) / number * 1e3


def measure_watch(build, cluster, events):
    stand_in = StandIn(cluster, 1_000, events)
    run = Agent(build, f"--kubeconfig={stand_in.kubeconfig}", "--pod-scope=cluster")
    before, started = run.cpu(), time.monotonic()
    stand_in.go.set()
    run.until(lambda: run.metric("pods_cached") == 1_001, "watching", 300)
    cpu, wall = run.cpu() - before, time.monotonic() - started
    run.stop()
    stand_in.close()
    say(f"watch: {events:,} events in {wall:.1f} s; {events / cpu:,.0f} a second of CPU (the stand-in feeds them)")


# ---- Events to the real server


def measure_events(build, cluster, ports):
    """From as many ports of each local Pod; the sender is nobody, so each is one Event."""
    number = LOCAL_PODS * ports
    run = Agent(build, f"--kubeconfig={cluster.kubeconfig}", *UNBOUNDED)
    before, started, when = run.cpu(), time.monotonic(), stamp()
    with open(LOG, "a", encoding="ascii") as log:
        for n in range(number):
            log.write(kernel_line(n, "192.0.2.7", ipv4(11, n % LOCAL_PODS), 5000 + n // LOCAL_PODS, when))
    run.until(lambda: run.metric('events_written_total{verb="create",code="2xx"}') == number, "posting", 300)
    cpu, wall = run.cpu() - before, time.monotonic() - started
    peak = run.rss()
    run.stop()
    say(f"Events: {number:,} new ones in {wall:.1f} s: {number / wall:,.0f} a second; {cpu / number * 1e6:,.0f} us of CPU each;"
        f" peak RSS {peak:.1f} MB")


# ---- requests and bytes an hour


def by_kind(requests):
    kinds = {}
    for _, verb, resource, _ in requests:
        kinds[f"{verb} {resource}"] = kinds.get(f"{verb} {resource}", 0) + 1
    return kinds


def show_requests(what, cluster, traffic, since, seconds, before):
    to, back = (after - was for after, was in zip(traffic.bytes(), before))
    kinds = by_kind(cluster.requests(since))
    hourly = 3600 / seconds
    told = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items())) or "none"
    say(f"{what:<34} {sum(kinds.values()) * hourly:>9,.0f} {to * hourly / 1e6:>9.2f} {back * hourly / 1e6:>9.2f}   "
        f"in {seconds:.0f} s: {told}")


def measure_requests(build, cluster, traffic, seconds):
    say(f"\n{'one agent, usual flags':<34} {'requests/h':>9} {'MB/h to':>8} {'MB/h from':>9}   measured")
    before, since = traffic.bytes(), time.time()
    run = Agent(build, f"--kubeconfig={cluster.kubeconfig}")
    time.sleep(1)
    to, back = (after - was for after, was in zip(traffic.bytes(), before))
    kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(by_kind(cluster.requests(since)).items()))
    say(f"{'start, ' + str(LOCAL_PODS) + ' Pods':<34} {'':>9} {'':>9} {'':>9}   once: {kinds}; {to / 1e3:.1f} KB to, {back / 1e3:.1f} KB from")
    before, since = traffic.bytes(), time.time()
    time.sleep(seconds)
    show_requests("idle", cluster, traffic, since, seconds, before)

    # A policy that drops everything: every Pod of the node is sent to by ever new addresses.
    number, sent, calm = 0, time.monotonic(), None
    started = time.monotonic()
    before, since = traffic.bytes(), time.time()
    settle = min(20, seconds / 3)  # while the bursts of the budgets last
    with open(LOG, "a", encoding="ascii") as log:
        while time.monotonic() < started + settle + seconds:
            when = stamp()
            for _ in range(20):
                log.write(kernel_line(number, ipv4(12, number), ipv4(11, number % LOCAL_PODS), 5432, when))
                number += 1
            log.flush()
            sent += 0.1
            time.sleep(max(0, sent - time.monotonic()))
            if calm is None and time.monotonic() > started + settle:
                show_requests("all is dropped: the first moments", cluster, traffic, since, settle, before)
                calm, before, since = time.monotonic(), traffic.bytes(), time.time()
    show_requests("all is dropped: from then on", cluster, traffic, since, time.monotonic() - calm, before)
    say(f"{number:,} drops, each from another address; seen {run.metric('seen_total'):,}, told {run.metric('reported_total'):,},"
        f" waiting in {run.metric('event_keys'):,} Events; lost {run.metric('lost_total'):,},"
        f" suppressed {run.metric('suppressed_total'):,}; peak RSS {run.rss():.1f} MB")
    run.stop()


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("build", type=pathlib.Path)
    arguments.add_argument("--quick", action="store_true")
    arguments = arguments.parse_args()
    quick, build, started = arguments.quick, arguments.build, time.monotonic()
    cluster = Cluster()
    say(f"A real API server is up ({time.monotonic() - started:.0f} s)")
    measure_memory(build, cluster, quick)
    say()
    measure_watch(build, cluster, 10_000 if quick else 100_000)
    measure_events(build, cluster, 5 if quick else 30)
    measure_requests(build, cluster, Traffic(), 6 if quick else 120)
    say(f"\n{time.monotonic() - started:.0f} s in all")


main()
