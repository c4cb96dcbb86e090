// SPDX-License-Identifier: Apache-2.0
// What one summary costs from the queue to the book, in nanoseconds and allocations: of a known
// Event, and of a flood of peers.
#include <benchmark/benchmark.h>
#include <netinet/in.h>

#include <array>
#include <string>
#include <vector>

#include "k8s/deliver.h"
#include "tests/bench/allocations.h"

namespace kube_nflog {
namespace {

using benchmark::Counter;
using benchmark::State;

constexpr std::size_t kPods = 110;
constexpr std::size_t kRound = 1'024;  // summaries that deliver takes a step

struct NoPoller : Poller {
  void poll(std::chrono::milliseconds) override {}
  void wake() override {}
};

// Nothing is written: the book alone is measured.
struct NoWriter : EventWriter {
  bool has_room() const override { return false; }
  Result<> write(EventWrite, Done) override { return {}; }
};

IpAddr address(std::size_t net, std::size_t host) {
  const auto byte = [host](int shift) { return static_cast<std::byte>(host >> shift & 0xff); };
  const std::array<std::byte, 4> bytes{static_cast<std::byte>(net), byte(16), byte(8), byte(0)};
  return IpAddr::v4(bytes);
}

struct Bench {
  Bench() {
    for (std::size_t i = 0; i < kPods; ++i) {
      Pod pod;
      pod.ns = "shop";
      pod.name = "ledger-6b7f9d8c5-w4n" + std::to_string(100 + i);
      pod.uid = "0f0a4c1e-8d3b-4b57-9c55-1c6a9f1e2" + std::to_string(100 + i);
      pod.ips = {address(10, i)};
      pods.upsert(std::move(pod), steady_now());
    }
  }
  void step(const std::vector<DropSummary>& drops) {
    for (const DropSummary& drop : drops) queue.push(drop);
    if (!deliver.step()) std::abort();
  }

  BoundedQueue<DropSummary> queue{kRound};
  PodIndex pods;
  Metrics metrics;
  EventBook book{{.budget = {}, .run_id = "run"}, metrics};
  NoWriter writer;
  NoPoller poller;
  Deliver deliver{{},
                  {.queue = queue,
                   .pods = pods,
                   .book = book,
                   .writer = writer,
                   .poller = poller,
                   .metrics = metrics,
                   .dice = [] { return 0.5; }}};
};

// From `peers` sources, one after the other, to port 5432 of `pods` Pods.
std::vector<DropSummary> round(std::size_t peers, std::size_t pods, std::size_t first_peer = 0) {
  static const Cause cause{"denied by NetworkPolicy shop/default-deny"};
  std::vector<DropSummary> drops(kRound);
  for (std::size_t i = 0; i < kRound; ++i) {
    DropKey& key = drops[i].key;
    key.src = address(192, first_peer + i % peers);
    key.dst = address(10, i % pods);
    key.protocol = IPPROTO_TCP;
    key.detail_kind = Detail::kPort;
    key.detail = 5432;
    key.cause = &cause;
    drops[i].count = 1;
    drops[i].first = drops[i].last = system_now();
  }
  return drops;
}

void report(State& state, std::uint64_t allocated) {
  constexpr double kSummaries = kRound;
  state.counters["summary"] =
      Counter(kSummaries, Counter::kIsIterationInvariantRate | Counter::kInvert);
  state.counters["allocations"] =
      static_cast<double>(allocated) / (kSummaries * static_cast<double>(state.iterations()));
}

void Repeats(State& state, std::size_t peers, std::size_t pods, Fold fold = Fold::kFlow) {
  Bench bench;
  std::vector<DropSummary> drops = round(peers, pods);
  for (DropSummary& drop : drops) {
    drop.key.fold = fold;
    if (fold != Fold::kFlow) drop.example = std::exchange(drop.key.src, IpAddr());
  }
  bench.step(drops);
  const std::uint64_t before = allocations();
  for ([[maybe_unused]] auto _ : state) bench.step(drops);
  report(state, allocations() - before);
}
BENCHMARK_CAPTURE(Repeats, one, 1, 1)->Name("a known Event");
BENCHMARK_CAPTURE(Repeats, pods, 1, kPods)->Name("known Events of 110 Pods");
BENCHMARK_CAPTURE(Repeats, peers, 200, 1)->Name("200 peers of one Pod");
BENCHMARK_CAPTURE(Repeats, folded, 256, kPods, Fold::kSources)->Name("folded before");

// Every summary is of a peer that was never seen.
void NewPeers(State& state, std::size_t pods) {
  Bench bench;
  std::size_t peers = 0;
  std::uint64_t allocated = 0;
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    const std::vector<DropSummary> drops = round(kRound, pods, peers += kRound);
    const std::uint64_t before = allocations();
    state.ResumeTiming();
    bench.step(drops);
    allocated += allocations() - before;
  }
  report(state, allocated);
}
BENCHMARK_CAPTURE(NewPeers, one, 1)->Name("ever new peers of one Pod");
BENCHMARK_CAPTURE(NewPeers, pods, kPods)->Name("ever new peers of 110 Pods");

}  // namespace
}  // namespace kube_nflog

BENCHMARK_MAIN();
