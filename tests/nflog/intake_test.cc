// SPDX-License-Identifier: Apache-2.0
#include "nflog/intake.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>

#include "tests/bench/allocations.h"
#include "tests/nflog/bytes.h"

namespace kube_nflog {
namespace {

using test::Buffer;
using test::joined;
using test::record;
using test::syn;

constexpr std::array<std::uint16_t, 3> kGroups{86, 100, 1};
constexpr SystemTime kNow{std::chrono::seconds(1'700'000'000)};

class IntakeTest : public ::testing::Test {
 protected:
  std::vector<Drop> take(Bytes datagram) {
    std::vector<Drop> drops;
    intake.take(datagram, kNow, drops);
    appended += drops.size();
    intake.publish();
    // The duty of every DropSource.
    EXPECT_EQ(metrics.seen.value(), appended + metrics.suppressed[Why::kHint].value() +
                                        metrics.suppressed[Why::kAllowed].value() + undecodable());
    return drops;
  }
  std::uint64_t undecodable() { return metrics.lost[Where::kUndecodable].value(); }
  std::uint64_t lost() { return metrics.lost[Where::kNetlinkOverrun].value(); }

  Metrics metrics{kGroups};
  CauseTable causes;
  Intake intake{kGroups, causes, metrics};
  std::size_t appended = 0;
};

TEST_F(IntakeTest, MakesADropOfARecord) {
  const std::vector<Drop> drops = take(record({.prefix = "my-rule", .payload = syn()}));
  ASSERT_EQ(drops.size(), 1u);
  const Drop& drop = drops[0];
  EXPECT_EQ(drop.key.src.to_string(), "10.42.0.11");
  EXPECT_EQ(drop.key.dst.to_string(), "10.42.0.10");
  EXPECT_EQ(drop.key.protocol, 6);
  EXPECT_EQ(drop.key.detail, 8080);
  EXPECT_EQ(drop.src_port, 36943);
  EXPECT_FALSE(drop.mid_stream);
  EXPECT_EQ(drop.time, kNow);  // this record has none of its own
  ASSERT_NE(drop.key.cause, nullptr);
  EXPECT_EQ(drop.key.cause->clause, "by rule \"my-rule\"");
  EXPECT_EQ(metrics.nflog_messages.at(100).value(), 1u);
  EXPECT_EQ(metrics.nflog_messages.at(86).value(), 0u);
}

TEST_F(IntakeTest, TheKernelsTimeWins) {
  const Buffer raw = test::captured("nflog/kernel-nflog-records.txt").at(0);
  const std::vector<Drop> drops = take(raw);
  ASSERT_EQ(drops.size(), 1u);
  EXPECT_EQ(drops[0].time.time_since_epoch().count(), 1795413564'775242);
}

// Every case of the real controllers: kube-router logs verdicts alone, k3s also hints, and an
// allowed connection makes hints only.
TEST_F(IntakeTest, CapturedControllersMakeExactlyTheDeniedPackets) {
  std::size_t cases = 0, hints = 0;
  for (const std::string& line : test::lines("nflog/kube-router/records.jsonl")) {
    const auto after = [&line](std::string_view key) { return line.find(key) + key.size(); };
    const std::size_t denied = std::stoul(line.substr(after("\"packets_denied\":")));
    std::size_t drops = 0, records = 0;
    for (std::size_t at = after("\"records\":[\""); line[at] != ']';) {
      const std::size_t end = line.find('"', at);
      drops += take(test::hex(std::string_view(line).substr(at, end - at))).size();
      ++records;
      at = line[end + 1] == ',' ? end + 3 : end + 1;
    }
    EXPECT_EQ(drops, denied) << line.substr(0, 60);
    hints += records - drops;
    ++cases;
  }
  EXPECT_EQ(cases, 51u);
  EXPECT_EQ(metrics.suppressed[Why::kHint].value(), hints);
  EXPECT_EQ(metrics.seen.value(), 166u);
  EXPECT_EQ(undecodable(), 0u);
}

TEST_F(IntakeTest, BatchedDatagramsAreTheSameRecords) {
  for (const Buffer& datagram :
       test::captured("nflog/kube-router/k3s.nflog-batched-datagrams.txt", "    RAWDGRAM ")) {
    take(datagram);
  }
  EXPECT_EQ(metrics.seen.value(), 12u);
  EXPECT_EQ(metrics.nflog_messages.at(100).value(), 12u);
  EXPECT_EQ(lost(), 0u);
  EXPECT_EQ(undecodable(), 0u);
}

TEST_F(IntakeTest, GapsAreCountedPerGroup) {
  take(joined({record({.group = 100, .seq = 0, .payload = syn()}),
               record({.group = 86, .seq = 0, .payload = syn()}),
               record({.group = 100, .seq = 1, .payload = syn()})}));
  EXPECT_EQ(lost(), 0u);
  take(record({.group = 86, .seq = 11, .payload = syn()}));
  EXPECT_EQ(lost(), 10u);
  EXPECT_EQ(metrics.nflog_lost.at(86).value(), 10u);
  EXPECT_EQ(metrics.nflog_lost.at(100).value(), 0u);
  take(record({.group = 100, .seq = 5, .payload = syn()}));
  EXPECT_EQ(lost(), 13u);
  EXPECT_EQ(metrics.nflog_lost.at(86).value(), 10u);
  EXPECT_EQ(metrics.nflog_lost.at(100).value(), 3u);
}

TEST_F(IntakeTest, HintsAndUndecodableRecordsCountInTheSequence) {
  take(joined({record({.seq = 0, .prefix = "DROP by policy a/b", .payload = syn()}),
               record({.seq = 1, .payload = test::hex("45")}),
               record({.seq = 2, .payload = syn()})}));
  EXPECT_EQ(lost(), 0u);
  EXPECT_EQ(appended, 1u);
  EXPECT_EQ(metrics.suppressed[Why::kHint].value(), 1u);
  EXPECT_EQ(undecodable(), 1u);
  EXPECT_EQ(metrics.nflog_messages.at(100).value(), 3u);
}

TEST_F(IntakeTest, BadRecordsAreCountedAndTheRestSurvives) {
  Buffer garbage(64, std::byte{0xa5});
  take(garbage);
  EXPECT_EQ(undecodable(), 1u);
  take(joined({record({.group = 7, .payload = syn()}),                   // a group that is not ours
               record({.family = 3, .payload = test::hex("00010800")}),  // ARP
               record({.family = 10, .payload = syn()}),                 // IPv4 said to be IPv6
               record({.payload = {}}), record({.payload = syn()}), garbage}));
  EXPECT_EQ(undecodable(), 6u);
  EXPECT_EQ(appended, 1u);
}

TEST_F(IntakeTest, ABridgeRecordIsReadByItsEtherType) {
  EXPECT_EQ(take(record({.family = 7, .payload = syn()})).size(), 1u);
  EXPECT_EQ(take(record({.family = 5, .payload = syn()})).size(), 1u);
}

// As the kernel lays out a tagged frame: VLAN (20: protocol, TCI), L2HDR (21), hardware header
// (16).
TEST_F(IntakeTest, AVlanTagBesideTheFrameChangesNothing) {
  Buffer more = test::attribute(0x8000 | 20, joined({test::attribute(1, test::hex("8100")),
                                                     test::attribute(2, test::hex("0064"))}));
  more = joined({more, test::attribute(21, test::hex("0a0000000001 0a0000000002 81000064 0800")),
                 test::attribute(16, test::hex("0a0000000001 0a0000000002 0800"))});
  const std::vector<Drop> drops = take(record({.family = 7, .payload = syn(), .more = more}));
  ASSERT_EQ(drops.size(), 1u);
  EXPECT_EQ(drops[0].key.detail, 8080);
  EXPECT_EQ(take(record({.family = 7,
                         .seq = 1,
                         .payload = joined({test::hex("00640800"), syn()}),
                         .ether_type = 0x8100}))
                .size(),
            1u);
}

TEST_F(IntakeTest, InetAndNetdevRecordsAreReadByTheirEtherType) {
  for (const std::uint8_t family : std::initializer_list<std::uint8_t>{1, 5}) {
    EXPECT_EQ(take(record({.family = family, .payload = syn()})).size(), 1u) << +family;
  }
}

test::ConntrackSpec sent_to(std::uint32_t service, std::uint16_t port) {
  Buffer address;
  test::put32be(address, service);
  return {.src = test::hex("0a2a000b"), .dst = address, .src_port = 36943, .dst_port = port};
}
Buffer connection(std::uint32_t service, std::uint16_t port) {
  return conntrack(sent_to(service, port), {.src = test::hex("0a2a000a"),
                                            .dst = test::hex("0a2a000b"),
                                            .src_port = 8080,
                                            .dst_port = 36943});
}

TEST_F(IntakeTest, TellsTheServiceThatThePacketWasSentTo) {
  const std::vector<Drop> drops =
      take(joined({record({.seq = 0, .payload = syn(), .conntrack = connection(0x0a600011, 5432)}),
                   record({.seq = 1, .payload = syn(), .conntrack = connection(0x0a600011, 5432)}),
                   record({.seq = 2, .payload = syn(), .conntrack = connection(0x0a600012, 5432)}),
                   record({.seq = 3, .payload = syn(), .conntrack = connection(0x0a2a000a, 8080)}),
                   record({.seq = 4, .payload = syn(), .conntrack = test::hex("ffff0180")})}));
  ASSERT_EQ(drops.size(), 5u);
  ASSERT_NE(drops[0].key.service, nullptr);
  EXPECT_EQ(drops[0].key.service->address.to_string(), "10.96.0.17");
  EXPECT_EQ(drops[0].key.service->port, 5432);
  EXPECT_EQ(drops[0].key, drops[1].key);
  EXPECT_FALSE(drops[0].key == drops[2].key) << "two Services are two facts";
  EXPECT_EQ(drops[3].key.service, nullptr);
  EXPECT_EQ(drops[4].key.service, nullptr) << "a damaged attribute does not cost the drop";
}

TEST_F(IntakeTest, WithTooManyServicesTheDropIsToldAllTheSame) {
  for (std::uint32_t i = 0; i < 16'384; ++i)
    take(record({.seq = i, .payload = syn(), .conntrack = connection(0x0a600000 + i, 80)}));
  EXPECT_EQ(metrics.services_left_out.value(), 0u);
  const std::vector<Drop> drops =
      take(record({.seq = 16'384, .payload = syn(), .conntrack = connection(0x0a700000, 80)}));
  ASSERT_EQ(drops.size(), 1u);
  EXPECT_EQ(drops[0].key.service, nullptr);
  EXPECT_EQ(metrics.services_left_out.value(), 1u);
}

// As on the wire: IFINDEX_INDEV (4), OUTDEV (5), PHYSINDEV (6), PHYSOUTDEV (7), big-endian.
Buffer device(std::uint16_t type, std::uint32_t index) {
  Buffer value;
  test::put32be(value, index);
  return test::attribute(type, value);
}
Link link(std::uint32_t index, std::string_view name) {
  return {index, *InterfaceName::parse(name)};
}

TEST_F(IntakeTest, TellsTheInterfacesByTheNamesThatTheyHaveNow) {
  intake.interfaces().learn(link(2, "eth0"));
  intake.interfaces().learn(link(9, "cali-a"));
  const Buffer forwarded = joined({device(4, 2), device(5, 9)});
  std::vector<Drop> drops = take(joined({record({.seq = 0, .payload = syn(), .more = forwarded}),
                                         record({.seq = 1, .payload = syn()})}));
  ASSERT_EQ(drops.size(), 2u);
  ASSERT_NE(drops[0].interfaces, nullptr);
  EXPECT_EQ(drops[0].interfaces->in.view(), "eth0");
  EXPECT_EQ(drops[0].interfaces->out.view(), "cali-a");
  EXPECT_EQ(drops[1].interfaces, nullptr);
  EXPECT_EQ(drops[0].key, drops[1].key) << "they are no part of what makes drops the same";

  intake.interfaces().learn(link(9, "cali-b"));
  drops = take(record({.seq = 2, .payload = syn(), .more = forwarded}));
  EXPECT_EQ(drops.at(0).interfaces->out.view(), "cali-b");
}

TEST_F(IntakeTest, OnABridgeThePortsAreTold) {
  for (std::uint32_t i = 1; i <= 4; ++i)
    intake.interfaces().learn(link(i, i < 3 ? "cni0" : "veth" + std::to_string(i)));
  const std::vector<Drop> drops =
      take(record({.payload = syn(),
                   .more = joined({device(4, 1), device(6, 3), device(5, 2), device(7, 4)})}));
  ASSERT_NE(drops.at(0).interfaces, nullptr);
  EXPECT_EQ(drops[0].interfaces->in.view(), "veth3");
  EXPECT_EQ(drops[0].interfaces->out.view(), "veth4");
}

// HWTYPE (15), HWLEN (17) and HWHEADER (16), as the kernel orders them.
Buffer frame(std::string_view type, std::string_view header) {
  const Buffer bytes = test::hex(header);
  Buffer size;
  test::put16be(size, static_cast<std::uint16_t>(bytes.size()));
  return joined({test::attribute(15, test::hex(type)), test::attribute(17, size),
                 test::attribute(16, bytes)});
}

TEST_F(IntakeTest, TellsWhatAnEthernetFrameSentToEverybody) {
  const auto is_broadcast = [&](const Buffer& more) {
    static std::uint32_t seq = 0;
    return take(record({.seq = seq++, .payload = syn(), .more = more})).at(0).link_broadcast;
  };
  EXPECT_TRUE(is_broadcast(frame("0001", "ffffffffffff 0a0000000001 0800")));
  EXPECT_FALSE(is_broadcast(frame("0001", "0a0000000002 ffffffffffff 0800")));
  EXPECT_FALSE(is_broadcast(frame("0001", "ffffffffff0f 0a0000000001 0800")));
  EXPECT_FALSE(is_broadcast(frame("0304", "000000000000 000000000000 0800"))) << "loopback";
  EXPECT_FALSE(is_broadcast(frame("0308", "ffffffffffff ffffffffffff ffff"))) << "a tunnel's own";
  EXPECT_FALSE(is_broadcast(frame("0001", "ffffffffff"))) << "cut";
  EXPECT_FALSE(is_broadcast(frame("fffe", ""))) << "tun";
  EXPECT_FALSE(is_broadcast(test::attribute(16, test::hex("ffffffffffff"))));
  EXPECT_FALSE(is_broadcast({})) << "on the way out, the kernel tells no header";
}

TEST_F(IntakeTest, WithTooManyInterfacesTheDropIsToldAllTheSame) {
  for (std::uint32_t i = 1; i <= 16'385; ++i)
    intake.interfaces().learn(link(i, "cali-" + std::to_string(i)));
  for (std::uint32_t i = 1; i <= 16'384; ++i)
    take(record({.seq = i - 1, .payload = syn(), .more = device(4, i)}));
  EXPECT_EQ(metrics.interfaces_left_out.value(), 0u);
  const std::vector<Drop> unnamed =
      take(record({.seq = 16'384, .payload = syn(), .more = device(4, 16'385)}));
  EXPECT_EQ(unnamed.at(0).interfaces, nullptr);
  EXPECT_EQ(metrics.interfaces_left_out.value(), 1u);
  const std::vector<Drop> one_pair_more =
      take(record({.seq = 16'385, .payload = syn(), .more = device(5, 1)}));
  EXPECT_EQ(one_pair_more.at(0).interfaces, nullptr);
  EXPECT_EQ(metrics.interfaces_left_out.value(), 2u);
}

TEST_F(IntakeTest, NoAllocationPerRecordInSteadyState) {
  intake.interfaces().learn(link(2, "eth0"));
  const Buffer datagram = joined(
      {record({.seq = 0, .payload = syn()}),
       record({.seq = 1,
               .prefix = "a-rule-with-a-name-beyond-sso",
               .payload = syn(),
               .conntrack = connection(0x0a600011, 5432),
               .more = device(4, 2)}),
       // Joined with the next round's verdict.
       record({.seq = 2, .prefix = "DROP by policy a/b", .payload = syn()}), test::hex("0011")});
  std::vector<Drop> out;
  out.reserve(64);
  for (int i = 0; i < 2; ++i) intake.take(datagram, kNow, out);  // prefixes are judged once
  intake.publish();
  const std::size_t before = allocations();
  for (int i = 0; i < 10'000; ++i) {
    out.clear();
    intake.take(datagram, kNow, out);
    intake.publish();
  }
  EXPECT_EQ(allocations(), before);
  ASSERT_EQ(out.size(), 2u);
  ASSERT_NE(out[0].key.cause, nullptr);
  EXPECT_EQ(out[0].key.cause->clause, "denied by NetworkPolicy; candidates: a/b");
}

// More prefixes than are remembered, each new one judged and forgotten.
TEST_F(IntakeTest, HostilePrefixesCostNoAllocationEither) {
  std::vector<Buffer> datagrams;
  datagrams.reserve(6'000);
  for (int i = 0; i < 1'500; ++i) {
    const std::string n = std::to_string(i);
    for (const std::string& prefix : {"a rule named " + n, "DROP by policy a/" + n,
                                      "DPI0|np/shop/policy-" + n, "calico-packet " + n})
      datagrams.push_back(record({.prefix = prefix, .payload = syn()}));
  }
  std::vector<Drop> out;
  out.reserve(datagrams.size());
  const auto take_all = [&] {
    out.clear();
    for (const Buffer& datagram : datagrams) intake.take(datagram, kNow, out);
  };
  take_all();
  const std::size_t before = allocations();
  take_all();
  EXPECT_EQ(allocations(), before);
  ASSERT_EQ(out.size(), 4'500u);
  EXPECT_EQ(out.back().key.cause->clause, CauseTable::kOverflow);
  intake.publish();
  // Twice the 4,500 drops, less twice those of the 1,024 prefixes that are known: three in four.
  EXPECT_EQ(metrics.causes_left_out.value(), 2u * (4'500 - 768));
}

// 1,025 packets with hints and no verdict, in one wake-up.
TEST_F(IntakeTest, WhenTooManyHintsAreHeldTheOldestIsCountedAsOverflow) {
  for (std::uint32_t i = 0; i < 1'025; ++i) {
    Buffer packet = syn();
    packet[4] = std::byte(i >> 8), packet[5] = std::byte(i & 0xff);  // the IP identification
    take(record({.seq = i, .prefix = "DROP by policy a/b", .payload = packet}));
  }
  EXPECT_EQ(metrics.hints[HintResult::kOverflow].value(), 1u);
  EXPECT_EQ(metrics.suppressed[Why::kHint].value(), 1'025u);
  EXPECT_EQ(lost(), 0u);
}

TEST_F(IntakeTest, WhatCalicoLetsPassIsCountedAndNoMore) {
  take(joined({record({.seq = 0, .prefix = "PPI|tier", .payload = syn()}),
               record({.seq = 1, .prefix = "API0|np/shop/allow", .payload = syn()}),
               record({.seq = 2, .prefix = "DPI|default", .payload = syn()})}));
  EXPECT_EQ(appended, 1u);
  EXPECT_EQ(metrics.suppressed[Why::kAllowed].value(), 2u);
}

TEST_F(IntakeTest, AHintWithoutAVerdictIsLetGoInTime) {
  constexpr SteadyTime start = SteadyTime{} + std::chrono::hours(1);
  EXPECT_EQ(intake.deadline(), std::nullopt);
  take(record({.seq = 0, .prefix = "DROP by policy a/b", .payload = syn()}));
  EXPECT_EQ(metrics.suppressed[Why::kHint].value(), 1u);
  intake.settle(start);
  ASSERT_TRUE(intake.deadline().has_value());
  intake.settle(*intake.deadline());
  intake.publish();
  EXPECT_EQ(metrics.hints[HintResult::kUnmatched].value(), 1u);
  EXPECT_EQ(intake.deadline(), std::nullopt);
  const std::vector<Drop> drops = take(record({.seq = 1, .payload = syn()}));
  ASSERT_EQ(drops.size(), 1u);
  EXPECT_EQ(drops[0].key.cause, nullptr);
}

// Lost may be what told the two Pods' hints apart.
TEST_F(IntakeTest, AfterALossNoCandidateIsGuessed) {
  const auto two_chains = [&](std::uint32_t seq) {
    return take(joined(
        {record({.seq = seq, .prefix = "DROP by policy a/b", .payload = syn(), .mark = 0x20000}),
         record({.seq = seq + 1, .payload = syn(), .mark = 0x20000})}));
  };
  take(record({.seq = 0, .payload = syn()}));
  EXPECT_EQ(two_chains(2).at(0).key.cause, nullptr);
  EXPECT_EQ(lost(), 1u);
}

TEST_F(IntakeTest, MutatedDatagramsKeepTheLedger) {
  const Buffer good =
      test::captured("nflog/kube-router/k3s.nflog-batched-datagrams.txt", "    RAWDGRAM ").at(0);
  std::mt19937 dice(3);
  for (int i = 0; i < 20'000; ++i) {
    Buffer bad = good;
    for (unsigned n = 1 + dice() % 8; n > 0; --n) bad[dice() % bad.size()] = std::byte(dice());
    bad.resize(dice() % (bad.size() + 1));
    take(bad);
    if (HasFailure()) return;
  }
  EXPECT_GT(appended, 0u);
  EXPECT_GT(undecodable(), 0u);
}

}  // namespace
}  // namespace kube_nflog
