// SPDX-License-Identifier: Apache-2.0
#include "core/dedupe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "tests/bench/allocations.h"

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
  EXPECT_EQ(example, ip(17)) << "the first of those in the summary";
}

TEST(Dedupe, APortScanFoldsIntoTheDestination) {
  Dedupe dedupe({.window = seconds(8), .buckets = 8, .capacity = 1024, .ports = 8});
  BoundedQueue<DropSummary> out(4096);
  for (std::uint32_t port = 1; port <= 5000; ++port)
    ASSERT_TRUE(add(dedupe, drop(1 + port % 2, 7, static_cast<std::uint16_t>(port)), kStart, out));
  EXPECT_EQ(dedupe.size(), 8u);
  dedupe.turn(kStart + seconds(1), out);
  std::uint64_t folded = 0, all = 0;
  for (DropSummary s; out.pop(s); all += s.count) {
    if (s.key.fold != Fold::kPorts) continue;
    folded += s.count;
    EXPECT_EQ(s.key.detail_kind, Detail::kNone);
    EXPECT_EQ(s.example, ip(1));
  }
  EXPECT_EQ(folded, 4991u) << "the first folded packet went out as the flow it was";
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

// SOURCE > DESTINATION:PORT of each summary, `*` where it does not say, and the example.
std::vector<std::string> told(BoundedQueue<DropSummary>& queue) {
  std::vector<std::string> all;
  for (DropSummary s; queue.pop(s);) {
    const auto text = [](const IpAddr& ip) {
      return ip.empty() ? "*" : std::to_string(ip.bytes()[3]);
    };
    const bool has_port = s.key.detail_kind == Detail::kPort;
    std::string one = std::to_string(s.count) + ": " + text(s.key.src) + " > " + text(s.key.dst) +
                      ':' + (has_port ? std::to_string(s.key.detail) : "*");
    if (s.key.fold != Fold::kFlow) one += ", e.g. " + text(s.example);
    EXPECT_EQ(s.key.fold == Fold::kFlow, !s.key.src.empty() && !s.key.dst.empty());
    EXPECT_EQ(s.key.fold == Fold::kDestinations, s.key.dst.empty());
    EXPECT_TRUE(s.key.fold != Fold::kPorts || !has_port);
    all.push_back(one);
  }
  return all;
}
using Told = std::vector<std::string>;

// Each summary for itself.
TEST(Dedupe, WhatAFoldLeavesOutIsToldWhereItIsOne) {
  Dedupe dedupe({.window = seconds(80), .buckets = 8, .capacity = 64, .ports = 1});
  BoundedQueue<DropSummary> out(64);
  SteadyTime now = kStart;
  const auto tells = [&](const std::vector<Drop>& drops) {
    for (const Drop& d : drops) EXPECT_TRUE(add(dedupe, d, now, out));
    dedupe.turn(now += seconds(10), out);
    return told(out);
  };
  EXPECT_EQ(tells({drop(1, 7, 80)}), Told{"1: 1 > 7:80"});
  EXPECT_EQ(tells({drop(1, 7, 81)}), Told{"1: 1 > 7:81"}) << "into (destination, protocol)";
  EXPECT_EQ(tells({drop(2, 7, 81), drop(2, 7, 81)}), Told{"2: 2 > 7:81"});
  EXPECT_EQ(tells({drop(2, 7, 81), drop(2, 7, 82)}), Told{"2: 2 > 7:*"});
  EXPECT_EQ(tells({drop(3, 7, 81), drop(2, 7, 81)}), Told{"2: * > 7:81, e.g. 3"});
  EXPECT_EQ(tells({drop(3, 7, 81), drop(2, 7, 82)}), Told{"2: * > 7:*, e.g. 3"});

  now += seconds(1'000);
  for (int i = 0; i < 8; ++i) dedupe.turn(now += seconds(10), out);
  EXPECT_EQ(dedupe.size(), 0u);
  EXPECT_EQ(tells({drop(1, 7, 80)}), Told{"1: 1 > 7:80"});
  EXPECT_EQ(tells({drop(1, 8, 80)}), Told{"1: 1 > 8:80"}) << "into (source, protocol)";
  EXPECT_EQ(tells({drop(1, 9, 80), drop(1, 9, 80)}), Told{"2: 1 > 9:80"});
  EXPECT_EQ(tells({drop(1, 9, 80), drop(1, 9, 81)}), Told{"2: 1 > 9:*"});
  EXPECT_EQ(tells({drop(1, 9, 80), drop(1, 8, 80)}), Told{"2: 1 > *:80, e.g. 9"});
  EXPECT_EQ(tells({drop(1, 9, 80), drop(1, 8, 81)}), Told{"2: 1 > *:*, e.g. 9"});
}

TEST(Dedupe, AServiceIsPartOfWhatMayDiffer) {
  Dedupe dedupe({.window = seconds(8), .buckets = 8, .capacity = 64});
  BoundedQueue<DropSummary> out(64);
  const ServiceAddress one{ip(100), 80}, other{ip(101), 80};
  EXPECT_TRUE(add(dedupe, drop(1, 7, 80), kStart, out));
  Drop d = drop(1, 8, 80);
  for (const ServiceAddress* service : {&one, &one, &other}) {
    d.key.service = service;
    EXPECT_TRUE(add(dedupe, d, kStart, out));
  }
  dedupe.turn(kStart + seconds(1), out);
  DropSummary s;
  ASSERT_TRUE(out.pop(s) && out.pop(s));
  EXPECT_EQ(s.key.service, &one);
  ASSERT_TRUE(out.pop(s));
  EXPECT_EQ(s.count, 2u);
  EXPECT_EQ(s.key.service, nullptr);
  EXPECT_EQ(s.key.detail_kind, Detail::kNone);
}

// Packets by source; of those that say no destination, too.
struct BySource {
  std::map<std::string, std::uint64_t> all, folded;

  void collect(BoundedQueue<DropSummary>& queue) {
    for (DropSummary s; queue.pop(s);) {
      all[s.key.src.to_string()] += s.count;
      if (s.key.fold == Fold::kDestinations) folded[s.key.src.to_string()] += s.count;
    }
  }
};

constexpr std::uint32_t kNetwork = 0x0a80'0000;  // 10.128.0.0

TEST(Dedupe, OneSourceThatScansDoesNotTakeTheRoomOfOthers) {
  Dedupe dedupe({.window = seconds(8), .buckets = 8, .seed = 1});
  BoundedQueue<DropSummary> out(8'192);
  BySource told;
  for (std::uint32_t n = 0; n < 1'000'000; ++n) {
    ASSERT_TRUE(add(dedupe, drop(1, kNetwork + n, 22), kStart, out));
    if (n % 4'096 == 0) told.collect(out);
  }
  EXPECT_EQ(dedupe.size(), 1'024u) << "a quarter of the destinations";
  told.collect(out);
  ASSERT_TRUE(add(dedupe, drop(2, kNetwork - 1, 443), kStart, out));
  EXPECT_EQ(dedupe.size(), 1'025u);
  DropSummary s;
  ASSERT_TRUE(out.pop(s)) << "at once";
  EXPECT_EQ(s.key, drop(2, kNetwork - 1, 443).key) << "as the flow it is";
  dedupe.turn(kStart + seconds(1), out);
  told.collect(out);
  EXPECT_EQ(told.all[ip(1).to_string()], 1'000'000u);
  EXPECT_EQ(told.folded[ip(1).to_string()], 1'000'000u - 1'024 - 1);
}

TEST(Dedupe, NorDoManyThatScan) {
  Dedupe dedupe({.window = seconds(8), .buckets = 8, .seed = 1});
  BoundedQueue<DropSummary> out(1 << 16);
  BySource told;
  constexpr std::uint32_t kScanners = 100, kEach = 20'000;
  for (std::uint32_t n = 0; n < kEach; ++n) {
    for (std::uint32_t source = 1; source <= kScanners; ++source)
      ASSERT_TRUE(add(dedupe, drop(source, kNetwork + source * kEach + n, 22), kStart, out));
    told.collect(out);
  }
  EXPECT_EQ(dedupe.size(), 4'096u) << "all destinations that there is room for";
  for (const std::uint32_t dst : {1u, 2u, 3u})
    ASSERT_TRUE(add(dedupe, drop(200, kNetwork - dst, 443), kStart, out));
  DropSummary s;
  ASSERT_TRUE(out.pop(s)) << "at once";
  EXPECT_EQ(s.key, drop(200, kNetwork - 1, 443).key);
  dedupe.turn(kStart + seconds(1), out);
  told.collect(out);
  for (std::uint32_t source = 1; source <= kScanners; ++source)
    EXPECT_EQ(told.all[ip(source).to_string()], kEach) << source;
  EXPECT_EQ(told.folded[ip(200).to_string()], 2u);
}

// Nor with many ports of each destination: flows and ports have shares as well.
TEST(Dedupe, AScanOfPortsAndDestinationsLeavesRoomForTheFlowsOfOthers) {
  Dedupe dedupe({.window = seconds(8), .buckets = 8, .seed = 1});
  BoundedQueue<DropSummary> out(1 << 17);
  for (std::uint32_t n = 0; n < 1'000'000; ++n) {
    const auto port = static_cast<std::uint16_t>(1 + n / 1'000);
    ASSERT_TRUE(add(dedupe, drop(1, kNetwork + n % 1'000, port), kStart, out));
  }
  const std::size_t scanned = dedupe.size();
  EXPECT_LE(scanned, 65'536u / 4);
  for (std::uint32_t source = 2; source < 12; ++source)
    ASSERT_TRUE(add(dedupe, drop(source, kNetwork - 1, 443), kStart, out));
  EXPECT_EQ(dedupe.size(), scanned + 10);
  dedupe.flush(out);
  EXPECT_EQ(drain(out), 1'000'010u);
}

TEST(Dedupe, AfterTheWindowAScannerHasItsShareAgain) {
  Dedupe dedupe(  // 64 destinations
      {.window = seconds(8), .buckets = 8, .capacity = 1'024, .seed = 1});
  BoundedQueue<DropSummary> out(1'024);
  SteadyTime now = kStart;
  for (int round = 0; round < 20; ++round) {
    for (std::uint32_t n = 100; n < 116; ++n)
      ASSERT_TRUE(add(dedupe, drop(n, 100 + n, 80), now, out));
    for (std::uint32_t n = 0; n < 10'000; ++n)
      ASSERT_TRUE(add(dedupe, drop(1, kNetwork + n, 22), now, out));
    EXPECT_EQ(dedupe.size(), 16u + 4) << round;
    for (int edge = 0; edge < 8; ++edge) dedupe.turn(now += seconds(1), out);
    EXPECT_EQ(drain(out), 10'016u);
    EXPECT_EQ(dedupe.next_edge(), SteadyTime{}) << "nothing is left";
  }
}

TEST(Dedupe, RefusesOnlyWhenThereIsNoRoomForOneMoreSource) {
  Dedupe dedupe(  // 16 ports, 4 destinations, 1 source
      {.window = seconds(8), .buckets = 8, .capacity = 64, .seed = 1});
  BoundedQueue<DropSummary> out(64);
  for (std::uint32_t n = 1; n <= 4; ++n)
    EXPECT_TRUE(add(dedupe, drop(n, 100 + n, 80), kStart, out));
  EXPECT_TRUE(add(dedupe, drop(5, 7, 80), kStart, out));
  EXPECT_FALSE(add(dedupe, drop(6, 7, 80), kStart, out));
  EXPECT_TRUE(add(dedupe, drop(5, 8, 80), kStart, out)) << "has an entry";
  EXPECT_TRUE(add(dedupe, drop(6, 101, 81), kStart, out)) << "a destination that is known";
}

TEST(Dedupe, APortThatOutlivesItsDestinationGoesOnCounting) {
  Dedupe dedupe(  // 4 destinations
      {.window = seconds(8), .buckets = 8, .capacity = 64, .seed = 1});
  BoundedQueue<DropSummary> out(64);
  EXPECT_TRUE(add(dedupe, drop(1, 7, 80), kStart, out));
  for (int i = 1; i <= 5; ++i) dedupe.turn(kStart + seconds(i), out);
  EXPECT_TRUE(add(dedupe, drop(1, 7, 81), kStart + seconds(5), out));
  for (int i = 6; i <= 9; ++i) dedupe.turn(kStart + seconds(i), out);
  for (std::uint32_t n = 8; n < 12; ++n)
    EXPECT_TRUE(add(dedupe, drop(n, n, 80), kStart + seconds(9), out)) << n;
  told(out);
  EXPECT_TRUE(add(dedupe, drop(1, 7, 82), kStart + seconds(9), out)) << "by its source";
  EXPECT_FALSE(add(dedupe, drop(2, 7, 82), kStart + seconds(9), out));
  for (const std::uint32_t source : {2U, 3U})
    EXPECT_TRUE(add(dedupe, drop(source, 7, 81), kStart + seconds(9), out)) << "by its port";
  dedupe.flush(out);
  EXPECT_EQ(told(out), (Told{"1: 1 > 7:82", "1: 2 > 7:81", "1: 3 > 7:81"}));
}

// Not even while the table fills: all that a fold can need is set aside by its constructor.
TEST(Dedupe, AllocatesNothingFromTheFirstPacketOn) {
  Dedupe dedupe({.window = seconds(8), .buckets = 8, .seed = 1});
  BoundedQueue<DropSummary> out(1'024);
  std::mt19937 dice(1);
  const auto any = [&dice] { return static_cast<std::uint32_t>(dice()); };
  SteadyTime now = kStart;
  std::uint64_t packets = 0, told = 0, refused = 0;
  std::size_t most = 0;
  const std::uint64_t before = allocations();
  for (; packets < 2'000'000; ++packets) {
    // From anywhere to one Pod, from one Pod to anywhere, to a few Pods, to anywhere.
    const std::uint32_t destinations[] = {7, any(), 100 + any() % 200, any()};
    const std::uint32_t src = packets % 4 == 1 ? 1 : any(), dst = destinations[packets % 4];
    refused += !add(dedupe, drop(src, dst, static_cast<std::uint16_t>(any() % 64)), now, out);
    if (packets % 512 == 0) told += drain(out);
    if (packets % 200'000 == 0) dedupe.turn(now += seconds(1), out);
    dedupe.offer_again(out);
    most = std::max(most, dedupe.size());
  }
  while (dedupe.flush(out) > 0) told += drain(out);
  EXPECT_EQ(allocations(), before);
  EXPECT_EQ(told + drain(out) + refused, packets);
  EXPECT_EQ(most, 65'536u);
  EXPECT_GT(refused, 0u) << "everything was full";
}

// Against maps that never forget: whatever the order of packets, edges and full queues, every
// packet comes out exactly once, and nothing is told of a flow, a source or a destination that it
// did not send or receive.
TEST(Dedupe, CountsAreExactUnderRandomUse) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    std::mt19937_64 dice(seed);
    // 64 destinations, 16 sources that scan; where all are full, packets are refused.
    Dedupe dedupe({.window = seconds(4),
                   .buckets = 4,
                   .capacity = 1'024,
                   .sources = 20,
                   .ports = 3,
                   .seed = seed});
    BoundedQueue<DropSummary> out(8);
    const Cause causes[] = {{"by rule \"a\""}, {"by rule \"b\""}};
    using Of = std::map<std::string, std::int64_t>;
    Of by_cause, by_source, by_destination, by_flow;  // added and not yet told
    std::int64_t no_source = 0, no_destination = 0;   // told without
    std::map<Fold, std::uint64_t> folds;
    const auto flow_of = [](const DropKey& key) {
      return key.src.to_string() + '>' + key.dst.to_string() + ':' + std::to_string(key.detail);
    };
    const auto account = [&](const DropKey& key, std::int64_t packets) {
      by_cause[key.cause->clause] += packets;
      (key.src.empty() ? no_source : by_source[key.src.to_string()]) += packets;
      (key.dst.empty() ? no_destination : by_destination[key.dst.to_string()]) += packets;
    };
    const auto collect = [&] {
      for (DropSummary s; out.pop(s);) {
        ++folds[s.key.fold];
        account(s.key, -static_cast<std::int64_t>(s.count));
        DropKey key = s.key;
        if (key.fold != Fold::kFlow) (key.src.empty() ? key.src : key.dst) = s.example;
        const bool is_whole = key.fold == Fold::kFlow && key.detail_kind == Detail::kPort;
        // Of any other the flow of its example, if it tells the port, has had one packet at least.
        if (is_whole) by_flow[flow_of(key)] -= static_cast<std::int64_t>(s.count);
        if (key.detail_kind == Detail::kPort) {
          ASSERT_TRUE(by_flow.contains(flow_of(key))) << flow_of(key);
          ASSERT_GE(by_flow[flow_of(key)], is_whole ? 0 : 1) << flow_of(key);
        }
      }
    };
    SteadyTime now = kStart;
    for (int i = 0; i < 20'000; ++i) {
      // Three in four to five Pods, the others from three that scan and a few more.
      const bool is_scan = dice() % 4 == 0;
      const auto src = static_cast<std::uint32_t>(dice() % (is_scan ? 4 + dice() % 60 : 100));
      const auto dst = static_cast<std::uint32_t>(is_scan ? 1'000 + dice() % 500 : dice() % 5);
      Drop d = drop(src, dst, static_cast<std::uint16_t>(dice() % 4));
      d.key.cause = &causes[dice() % 2];
      if (add(dedupe, d, now, out)) {
        account(d.key, 1);
        ++by_flow[flow_of(d.key)];
      }
      if (dice() % 16 == 0) collect();
      if (dice() % 4 == 0) dedupe.offer_again(out);
      now += milliseconds(dice() % 20);
      dedupe.turn(now, out);
      ASSERT_LE(dedupe.size(), 1'024u);
    }
    while (dedupe.flush(out) > 0) collect();
    collect();
    for (const auto& [cause, rest] : by_cause) EXPECT_EQ(rest, 0) << "seed " << seed << cause;
    const auto sum = [&](const Of& untold) {
      std::int64_t all = 0;
      for (const auto& [key, rest] : untold) {
        EXPECT_GE(rest, 0) << "seed " << seed << ' ' << key;
        all += rest;
      }
      return all;
    };
    EXPECT_EQ(sum(by_source) + no_source, 0) << "seed " << seed;
    EXPECT_EQ(sum(by_destination) + no_destination, 0) << "seed " << seed;
    for (const Fold fold : {Fold::kFlow, Fold::kSources, Fold::kPorts, Fold::kDestinations})
      EXPECT_GT(folds[fold], 0u) << "seed " << seed << " fold " << static_cast<int>(fold);
  }
}

}  // namespace
}  // namespace kube_nflog
