// SPDX-License-Identifier: Apache-2.0
#include "core/dedupe.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace kube_nflog {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr SteadyTime kStart{std::chrono::hours(1)};

IpAddr ip(std::uint32_t n) {
  const std::byte b[4] = {std::byte(n >> 24), std::byte(n >> 16), std::byte(n >> 8), std::byte(n)};
  return IpAddr::v4(b);
}

Drop drop(std::uint32_t src, std::uint32_t dst, std::uint16_t port, std::int64_t at_us = 0) {
  Drop d;
  d.key.src = ip(src);
  d.key.dst = ip(dst);
  d.key.protocol = 6;
  d.key.detail = port;
  d.key.detail_kind = Detail::kPort;
  d.time = SystemTime(std::chrono::microseconds(at_us));
  return d;
}

bool add(Dedupe& dedupe, const Drop& d, SteadyTime now, BoundedQueue<DropSummary>& out) {
  return dedupe.add(std::span(&d, 1), now, out) == 0;
}

std::uint64_t drain(BoundedQueue<DropSummary>& queue) {
  std::uint64_t packets = 0;
  for (DropSummary s; queue.pop(s);) packets += s.count;
  return packets;
}

TEST(Dedupe, ASummaryTellsTheInterfacesOfItsFirstPacket) {
  constexpr Interfaces kOne{*InterfaceName::parse("eth0"), {}},
      kOther{*InterfaceName::parse("eth1"), {}};
  Dedupe dedupe({.window = seconds(8), .buckets = 8});
  BoundedQueue<DropSummary> out(16);
  const auto add_by = [&](const Interfaces* interfaces) {
    Drop d = drop(1, 2, 80);
    d.interfaces = interfaces;
    EXPECT_TRUE(add(dedupe, d, kStart, out));
  };
  for (const Interfaces* way : {&kOne, &kOther, &kOne}) add_by(way);
  DropSummary first, repeats;
  ASSERT_TRUE(out.pop(first));
  EXPECT_EQ(first.interfaces, &kOne);
  dedupe.turn(kStart + seconds(1), out);
  ASSERT_TRUE(out.pop(repeats));
  EXPECT_EQ(repeats.count, 2u) << "one flow, whichever way it came";
  EXPECT_EQ(repeats.interfaces, &kOther);
}

TEST(Dedupe, FirstPacketGoesOutAtOnceRepeatsOnlyCount) {
  Dedupe dedupe({.window = seconds(8), .buckets = 8});
  BoundedQueue<DropSummary> out(16);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(add(dedupe, drop(1, 2, 80, i), kStart, out));
  DropSummary s;
  ASSERT_TRUE(out.pop(s));
  EXPECT_EQ(s.count, 1u);
  EXPECT_EQ(s.key, drop(1, 2, 80).key);
  EXPECT_FALSE(out.pop(s));

  EXPECT_EQ(dedupe.next_edge(), kStart + seconds(1));
  dedupe.turn(kStart + milliseconds(999), out);
  EXPECT_FALSE(out.pop(s)) << "an edge that is not due";
  dedupe.turn(kStart + seconds(1), out);
  ASSERT_TRUE(out.pop(s));
  EXPECT_EQ(s.count, 99u);
  EXPECT_EQ(s.first.time_since_epoch().count(), 1);
  EXPECT_EQ(s.last.time_since_epoch().count(), 99);
}

TEST(Dedupe, AKeyIsNewsAgainAfterItsWindowAndNotBefore) {
  Dedupe dedupe({.window = seconds(8), .buckets = 8});
  BoundedQueue<DropSummary> out(16);
  add(dedupe, drop(1, 2, 80), kStart, out);
  drain(out);
  SteadyTime now = kStart;
  for (int edge = 1; edge < 8; ++edge) {
    now += seconds(1);
    dedupe.turn(now, out);
    EXPECT_EQ(dedupe.size(), 1u) << "edge " << edge;
  }
  add(dedupe, drop(1, 2, 80), now, out);
  EXPECT_EQ(out.size(), 0u) << "still a repeat";
  now += seconds(1);
  dedupe.turn(now, out);
  EXPECT_EQ(drain(out), 1u);
  EXPECT_EQ(dedupe.size(), 0u);
  EXPECT_EQ(dedupe.next_edge(), SteadyTime{}) << "an empty set needs no turning";
  add(dedupe, drop(1, 2, 80), now, out);
  EXPECT_EQ(drain(out), 1u) << "news again";
}

TEST(Dedupe, EveryFieldOfTheKeyTellsFlowsApart) {
  Dedupe dedupe({});
  BoundedQueue<DropSummary> out(16);
  const Cause cause{"by rule \"x\""};
  Drop d = drop(1, 2, 80);
  add(dedupe, d, kStart, out);
  add(dedupe, drop(3, 2, 80), kStart, out);
  add(dedupe, drop(1, 3, 80), kStart, out);
  add(dedupe, drop(1, 2, 81), kStart, out);
  d.key.protocol = 17;
  add(dedupe, d, kStart, out);
  d.key.cause = &cause;
  add(dedupe, d, kStart, out);
  d.key.detail_kind = Detail::kIcmp;
  add(dedupe, d, kStart, out);
  EXPECT_EQ(out.size(), 7u);
  EXPECT_EQ(dedupe.size(), 7u);
}

TEST(Dedupe, ARefusedSummaryStaysAndIsOfferedAgain) {
  Dedupe dedupe({.window = seconds(8), .buckets = 8});
  BoundedQueue<DropSummary> out(1);
  EXPECT_TRUE(add(dedupe, drop(1, 2, 80), kStart, out));
  EXPECT_TRUE(add(dedupe, drop(3, 2, 80), kStart, out));  // the queue is full
  EXPECT_EQ(drain(out), 1u);
  EXPECT_TRUE(add(dedupe, drop(3, 2, 80), kStart, out));
  dedupe.offer_again(out);
  EXPECT_EQ(drain(out), 2u);
}

TEST(Dedupe, AFullQueueDelaysCountsPastTheWindowButLosesNone) {
  Dedupe dedupe({.window = seconds(2), .buckets = 2});
  BoundedQueue<DropSummary> out(1);
  add(dedupe, drop(1, 2, 80), kStart, out);
  for (int i = 0; i < 5; ++i) add(dedupe, drop(1, 2, 80), kStart, out);
  SteadyTime now = kStart;
  for (int edge = 0; edge < 5; ++edge) dedupe.turn(now += seconds(1), out);  // nobody drains
  EXPECT_EQ(dedupe.size(), 1u) << "a key with counts outlives its window";
  EXPECT_EQ(drain(out), 1u);
  dedupe.turn(now += seconds(1), out);
  EXPECT_EQ(drain(out), 5u);
}

TEST(Dedupe, AFullQueueIsServedFirstComeFirstServed) {
  Dedupe dedupe({});
  BoundedQueue<DropSummary> out(2);
  for (std::uint32_t src = 1; src <= 6; ++src) add(dedupe, drop(src, 2, 80), kStart, out);
  EXPECT_TRUE(dedupe.has_refused());
  std::vector<unsigned> order;
  for (int round = 0; round < 3; ++round) {
    for (DropSummary s; out.pop(s);) order.push_back(s.key.src.bytes()[3]);
    dedupe.offer_again(out);
  }
  EXPECT_EQ(order, (std::vector<unsigned>{1, 2, 3, 4, 5, 6}));
  EXPECT_FALSE(dedupe.has_refused());
}

TEST(Dedupe, OneFloodedPodDoesNotTakeTheRoomOfOthers) {
  Dedupe dedupe({.window = seconds(8), .buckets = 8, .capacity = 1024, .sources = 16});
  BoundedQueue<DropSummary> out(4096);
  for (std::uint32_t src = 0; src < 100'000; ++src)
    ASSERT_TRUE(add(dedupe, drop(src, 7, 80, src), kStart, out));
  EXPECT_EQ(dedupe.size(), 16u) << "told apart; the others are one key";
  EXPECT_TRUE(add(dedupe, drop(1, 9, 443), kStart, out));
  EXPECT_EQ(dedupe.size(), 17u) << "another Pod's flow is a flow of its own";
  dedupe.turn(kStart + seconds(1), out);
  std::uint64_t folded = 0, all = 0;
  IpAddr example;
  for (DropSummary s; out.pop(s); all += s.count) {
    if (s.key.fold != Fold::kSources) continue;
    folded += s.count;
    example = s.example;
    EXPECT_TRUE(s.key.src.empty());
    EXPECT_EQ(s.key.detail, 80);
  }
  EXPECT_EQ(folded, 100'000u - 16 - 1) << "the first folded packet went out as the flow it was";
  EXPECT_EQ(all, 100'001u);
  EXPECT_EQ(example, ip(16));
}

TEST(Dedupe, APortScanFoldsIntoTheDestination) {
  Dedupe dedupe({.window = seconds(8), .buckets = 8, .capacity = 1024, .ports = 8});
  BoundedQueue<DropSummary> out(4096);
  for (std::uint32_t port = 1; port <= 5000; ++port)
    ASSERT_TRUE(add(dedupe, drop(1, 7, static_cast<std::uint16_t>(port)), kStart, out));
  EXPECT_EQ(dedupe.size(), 8u);
  dedupe.turn(kStart + seconds(1), out);
  std::uint64_t folded = 0, all = 0;
  for (DropSummary s; out.pop(s); all += s.count) {
    if (s.key.fold != Fold::kPorts) continue;
    folded += s.count;
    EXPECT_EQ(s.key.detail_kind, Detail::kNone);
    EXPECT_EQ(s.example, ip(1));
  }
  EXPECT_EQ(folded, 4992u);
  EXPECT_EQ(all, 5000u);
}

TEST(Dedupe, RandomSourcesAndPortsTakeAnEighthAtMost) {
  Dedupe dedupe({.window = seconds(8), .buckets = 8, .capacity = 1024});
  BoundedQueue<DropSummary> out(1 << 17);
  for (std::uint32_t i = 0; i < 100'000; ++i)
    ASSERT_TRUE(add(dedupe, drop(i, 7, static_cast<std::uint16_t>(i % 200)), kStart, out));
  EXPECT_EQ(dedupe.size(), 128u);
  EXPECT_TRUE(add(dedupe, drop(1, 9, 443), kStart, out));
  EXPECT_EQ(dedupe.size(), 129u);
  dedupe.flush(out);
  EXPECT_EQ(drain(out), 100'001u);
}

TEST(Dedupe, RefusesOnlyWhenThereIsNoRoomForOneMoreDestination) {
  Dedupe dedupe({.window = seconds(8), .buckets = 8, .capacity = 16});  // 4 ports, 1 destination
  BoundedQueue<DropSummary> out(64);
  EXPECT_TRUE(add(dedupe, drop(1, 7, 80), kStart, out));
  EXPECT_FALSE(add(dedupe, drop(1, 8, 80), kStart, out));
  EXPECT_TRUE(add(dedupe, drop(2, 7, 81), kStart, out));
}

TEST(Dedupe, APortThatOutlivesItsDestinationGoesOnCounting) {
  Dedupe dedupe({.window = seconds(8), .buckets = 8, .capacity = 64});  // 4 destinations
  BoundedQueue<DropSummary> out(64);
  EXPECT_TRUE(add(dedupe, drop(1, 7, 80), kStart, out));
  for (int i = 1; i <= 5; ++i) dedupe.turn(kStart + seconds(i), out);
  EXPECT_TRUE(add(dedupe, drop(1, 7, 81), kStart + seconds(5), out));
  for (int i = 6; i <= 9; ++i) dedupe.turn(kStart + seconds(i), out);
  for (std::uint32_t dst = 8; dst < 12; ++dst)
    EXPECT_TRUE(add(dedupe, drop(1, dst, 80), kStart + seconds(9), out)) << dst;
  EXPECT_FALSE(add(dedupe, drop(1, 7, 82), kStart + seconds(9), out)) << "no destination, no port";
  EXPECT_TRUE(add(dedupe, drop(2, 7, 81), kStart + seconds(9), out));
}

// Against a map that never forgets: whatever the order of packets, edges and full queues, every
// packet comes out exactly once.
TEST(Dedupe, CountsAreExactUnderRandomUse) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    std::mt19937_64 dice(seed);
    Dedupe dedupe(
        {.window = seconds(4), .buckets = 4, .capacity = 64, .sources = 20, .seed = seed});
    BoundedQueue<DropSummary> out(8);
    std::map<std::uint32_t, std::int64_t> balance;  // by destination: folding keeps it
    const auto collect = [&] {
      for (DropSummary s; out.pop(s);) balance[s.key.dst.bytes()[3]] -= std::int64_t(s.count);
    };
    SteadyTime now = kStart;
    for (int i = 0; i < 20'000; ++i) {
      const auto dst = static_cast<std::uint32_t>(dice() % 5);
      const auto port = static_cast<std::uint16_t>(dice() % 4);
      if (add(dedupe, drop(static_cast<std::uint32_t>(dice() % 100), dst, port), now, out))
        ++balance[dst];
      if (dice() % 16 == 0) collect();
      if (dice() % 4 == 0) dedupe.offer_again(out);
      now += milliseconds(dice() % 20);
      dedupe.turn(now, out);
      ASSERT_LE(dedupe.size(), 64u);
    }
    while (dedupe.flush(out) > 0) collect();
    collect();
    for (const auto& [dst, rest] : balance) EXPECT_EQ(rest, 0) << "seed " << seed << " dst " << dst;
  }
}

}  // namespace
}  // namespace kube_nflog
