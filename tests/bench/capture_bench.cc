// SPDX-License-Identifier: Apache-2.0
// What one packet costs from datagram to queue, part by part, in nanoseconds and allocations; the
// rest of the way is in scripts/bench nflog.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "core/bounded_queue.h"
#include "core/dedupe.h"
#include "nflog/intake.h"
#include "nflog/verdict.h"
#include "tests/bench/allocations.h"
#include "tests/nflog/bytes.h"

namespace kube_nflog {
namespace {

using benchmark::Counter;
using benchmark::State;

constexpr std::array<std::uint16_t, 1> kGroups{100};
constexpr std::uint64_t kRecords = 128;  // a datagram under load
constexpr SteadyTime kNow{std::chrono::hours(1)};
constexpr std::size_t kQueue = 131'072;

// Reports what each packet of an iteration took. `allocated` is over the whole run.
void report(State& state, std::size_t packets, std::uint64_t allocated) {
  const auto n = static_cast<double>(packets);
  state.counters["packet"] = Counter(n, Counter::kIsIterationInvariantRate | Counter::kInvert);
  state.counters["allocations"] =
      static_cast<double>(allocated) / (n * static_cast<double>(state.iterations()));
}

// Runs `body`, which handles so many packets each time, and reports.
template <class Body>
void run(State& state, std::size_t packets, const Body& body) {
  body();  // what grows grows once
  const std::uint64_t before = allocations();
  for ([[maybe_unused]] auto _ : state) body();
  report(state, packets, allocations() - before);
}

// As the kernel of a node sends it: a record captured there, over and over.
test::Buffer datagram(std::size_t captured_record) {
  const test::Buffer record = test::captured("nflog/kernel-nflog-records.txt").at(captured_record);
  test::Buffer all;
  for (std::uint64_t i = 0; i < kRecords; ++i) {
    all.insert(all.end(), record.begin(), record.end());
    all.resize((all.size() + 3) / 4 * 4);
  }
  return all;
}

constexpr std::size_t kVerdictRecord = 2;  // of the fixture: group 100, no prefix, a TCP SYN

void Take(State& state) {
  Metrics metrics{kGroups};
  CauseTable causes;
  Intake intake{kGroups, causes, metrics};
  for (std::uint32_t index = 1; index < 200; ++index)
    intake.interfaces().learn({index, *InterfaceName::parse("cali-" + std::to_string(index))});
  const test::Buffer bytes = datagram(kVerdictRecord);
  std::vector<Drop> drops;
  const auto take = [&] {
    drops.clear();
    intake.take(bytes, SystemTime{}, drops);
    intake.publish();
  };
  run(state, kRecords, take);
  if (drops.size() != kRecords || drops[0].interfaces == nullptr)
    state.SkipWithError("the datagram is not understood");
}
BENCHMARK(Take)->Name("decode a datagram");

// As many prefixes as rules log with; beyond 1,024 distinct ones each packet is judged anew.
void Verdict(State& state) {
  CauseTable causes;
  Verdicts verdicts(PrefixOrigin::kNflogGroup, {}, causes);
  std::vector<std::string> prefixes;
  for (std::int64_t i = 0; i < state.range(0); ++i)
    prefixes.push_back(i == 0 ? "" : "rule " + std::to_string(i) + " of the shop");
  run(state, prefixes.size(), [&] {
    for (const std::string& prefix : prefixes) benchmark::DoNotOptimize(verdicts.of(prefix));
  });
}
BENCHMARK(Verdict)->Name("verdict/prefixes")->Arg(1)->Arg(100)->Arg(10'000);

// Distinct flows to the Pods of a node in a random order.
std::vector<Drop> flows(std::size_t number) {
  std::vector<Drop> drops(number);
  std::mt19937 dice(1);
  for (std::size_t i = 0; i < number; ++i) {
    const auto byte = [i](int shift) { return std::byte(i >> shift & 0xff); };
    const std::array<std::byte, 4> src{std::byte{10}, byte(16), byte(8), byte(0)};
    const std::array<std::byte, 4> dst{std::byte{10}, std::byte{1}, std::byte{0},
                                       std::byte(i % 110)};
    drops[i].key.src = IpAddr::v4(src);
    drops[i].key.dst = IpAddr::v4(dst);
    drops[i].key.protocol = 6;
    drops[i].key.detail = static_cast<std::uint16_t>(1024 + i % 256);
    drops[i].key.detail_kind = Detail::kPort;
  }
  std::shuffle(drops.begin(), drops.end(), dice);
  return drops;
}

struct Fold {
  BoundedQueue<DropSummary> queue{kQueue};
  Dedupe dedupe{{.seed = 1}};

  void add(const std::vector<Drop>& drops) {
    benchmark::DoNotOptimize(dedupe.add(drops, kNow, queue));
  }
  void drain() {
    for (DropSummary summary; queue.pop(summary);) benchmark::DoNotOptimize(summary);
  }
};

void FoldRepeats(State& state) {
  Fold fold;
  const std::vector<Drop> drops = flows(static_cast<std::size_t>(state.range(0)));
  run(state, drops.size(), [&] { fold.add(drops); });
}
BENCHMARK(FoldRepeats)->Name("fold a repeat/keys")->Arg(1)->Arg(1'000)->Arg(60'000);

void FoldNews(State& state) {
  const std::vector<Drop> drops = flows(60'000);
  std::uint64_t allocated = 0;
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    auto fold = std::make_unique<Fold>();
    const std::uint64_t before = allocations();  // after what is made once
    state.ResumeTiming();
    fold->add(drops);
    state.PauseTiming();
    allocated += allocations() - before;
    fold.reset();
    state.ResumeTiming();
  }
  report(state, drops.size(), allocated);
}
BENCHMARK(FoldNews)->Name("fold news");

// Ten million flows: the table is full, and nearly every packet folds into its destination.
void FoldOverflow(State& state) {
  Fold fold;
  const std::vector<Drop> drops = flows(1'000'000);
  fold.add(drops);
  fold.drain();
  run(state, drops.size(), [&] { fold.add(drops); });
}
BENCHMARK(FoldOverflow)->Name("fold into a full table")->Unit(benchmark::kMillisecond);

// One source and a million destinations, of which it has had its share.
void FoldScan(State& state) {
  Fold fold;
  std::vector<Drop> drops = flows(1'000'000);
  for (Drop& drop : drops) {
    std::swap(drop.key.src, drop.key.dst);
    drop.key.src = drops[0].key.src;
  }
  fold.add(drops);
  fold.drain();
  run(state, drops.size(), [&] { fold.add(drops); });
}
BENCHMARK(FoldScan)->Name("fold a scan")->Unit(benchmark::kMillisecond);

// A bucket edge with counts pending on every key: how long capture pauses.
void FoldEdge(State& state) {
  Fold fold;
  const std::vector<Drop> drops = flows(60'000);
  SteadyTime now = kNow;
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    fold.add(drops);
    fold.drain();
    now = std::max(now, fold.dedupe.next_edge());
    state.ResumeTiming();
    fold.dedupe.turn(now, fold.queue);
  }
}
BENCHMARK(FoldEdge)->Name("turn the buckets, 60,000 keys")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace kube_nflog

BENCHMARK_MAIN();
