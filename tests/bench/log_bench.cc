// SPDX-License-Identifier: Apache-2.0
// What one line of a log costs, part by part, in nanoseconds and allocations; the rest of the way,
// from the file on, is in scripts/bench log.
#include <benchmark/benchmark.h>

#include <string>
#include <string_view>
#include <vector>

#include "nflog/log_intake.h"
#include "nflog/log_line.h"
#include "tests/bench/allocations.h"

namespace kube_nflog {
namespace {

using benchmark::Counter;
using benchmark::State;

constexpr std::size_t kLines = 1'000;
constexpr SystemTime kNow = std::chrono::sys_days(std::chrono::year(2026) / 11 / 3) +
                            std::chrono::hours(16) + std::chrono::minutes(24);

constexpr std::string_view kRfc3339 = "2026-11-03T16:23:17.123456+00:00 node-1 kernel: ";
constexpr std::string_view kRfc3164 = "Nov  3 16:23:17 node-1 kernel: [12345.678901] ";

// Lines of many flows, as a rule in FORWARD writes them.
std::vector<std::string> lines(std::string_view header, bool ipv6 = false) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < kLines; ++i) {
    const std::string host = std::to_string(i % 250);
    const std::string group = std::to_string(1000 + i % 250);
    std::string line(header);
    line += "my-drop: IN=eth0 OUT=cali" + host + " MAC=ee:ee:ee:ee:ee:ee:0a:00:00:00:00:01:08:00 ";
    line += ipv6 ? "SRC=2001:0db8:0000:0000:0000:0000:0000:" + group +
                       " DST=2001:0db8:0000:0000:0000:0000:0000:0002 LEN=80 TC=0 HOPLIMIT=63 "
                       "FLOWLBL=123456 "
                 : "SRC=10.1.2." + host + " DST=10.244.13.7 LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=" +
                       std::to_string(i * 37) + " DF ";
    line += "PROTO=TCP SPT=" + std::to_string(32768 + i) +
            " DPT=8080 WINDOW=64240 RES=0x00 SYN URGP=0 ";
    all.push_back(std::move(line));
  }
  return all;
}

// Runs `body` on each of the lines, and reports.
template <class Body>
void run(State& state, const std::vector<std::string>& all, const Body& body) {
  std::size_t bytes = 0;
  for (const std::string& line : all) bytes += line.size();
  for (const std::string& line : all) body(line);  // what grows grows once
  const std::uint64_t before = allocations();
  for ([[maybe_unused]] auto _ : state)
    for (const std::string& line : all) body(line);
  const auto n = static_cast<double>(all.size());
  const auto iterations = static_cast<double>(state.iterations());
  state.counters["line"] = Counter(n, Counter::kIsIterationInvariantRate | Counter::kInvert);
  state.counters["allocations"] = static_cast<double>(allocations() - before) / (n * iterations);
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes) * state.iterations());
}

void Split(State& state, std::string_view header) {
  run(state, lines(header),
      [](const std::string& line) { benchmark::DoNotOptimize(split_log_line(line)); });
}
BENCHMARK_CAPTURE(Split, "RFC 3339", kRfc3339)->Name("split, header and time/RFC 3339");
BENCHMARK_CAPTURE(Split, "RFC 3164", kRfc3164)->Name("split, header and time/RFC 3164");

void Decode(State& state, bool ipv6) {
  run(state, lines("", ipv6), [](const std::string& line) {
    Drop drop;
    Interfaces interfaces;
    benchmark::DoNotOptimize(decode_log_body(line, drop, interfaces));
    benchmark::DoNotOptimize(drop);
  });
}
BENCHMARK_CAPTURE(Decode, "IPv4", false)->Name("decode/IPv4");
BENCHMARK_CAPTURE(Decode, "IPv6", true)->Name("decode/IPv6");

void Take(State& state, std::string_view header, bool ipv6) {
  Metrics metrics;
  CauseTable causes;
  LogIntake intake({}, causes, metrics);
  std::vector<Drop> drops;
  const ReadTime at{.now = kNow, .uptime = SteadyTime(std::chrono::hours(4)), .live = true};
  run(state, lines(header, ipv6), [&](const std::string& line) {
    drops.clear();
    intake.take(line, std::nullopt, at, drops);
    if (drops.empty()) state.SkipWithError("a line is not understood");
  });
}
BENCHMARK_CAPTURE(Take, "RFC 3339", kRfc3339, false)->Name("the whole line/RFC 3339");
BENCHMARK_CAPTURE(Take, "RFC 3164", kRfc3164, false)->Name("the whole line/RFC 3164");
BENCHMARK_CAPTURE(Take, "IPv6", kRfc3339, true)->Name("the whole line/IPv6");

void PassOver(State& state) {
  Metrics metrics;
  CauseTable causes;
  LogIntake intake({}, causes, metrics);
  std::vector<Drop> drops;
  const std::vector<std::string> all(
      kLines, std::string(kRfc3339) +
                  "audit: type=1400 audit(1762187000.123:456): apparmor=\"STATUS\" "
                  "operation=\"profile_load\" profile=\"unconfined\" name=\"cri-containerd\" "
                  "pid=1234 comm=\"apparmor_parser\" UID=0 AUID=0");
  run(state, all, [&](const std::string& line) { intake.take(line, std::nullopt, {}, drops); });
  if (!drops.empty()) state.SkipWithError("a line of somebody else's is taken");
}
BENCHMARK(PassOver)->Name("a line of somebody else's");

}  // namespace
}  // namespace kube_nflog

BENCHMARK_MAIN();
