// SPDX-License-Identifier: Apache-2.0
#include "nflog/message.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <random>

#include "tests/nflog/bytes.h"

namespace kube_nflog {
namespace {

using Item = DatagramReader::Item;
using test::Buffer;
using test::joined;
using test::record;
using test::syn;

constexpr char kCaptured[] = "nflog/kernel-nflog-records.txt";

std::vector<Item> items(Bytes datagram) {
  DatagramReader reader(datagram);
  std::vector<Item> out;
  do {
    out.push_back(reader.next());
  } while (out.back() != Item::kEnd);
  return out;
}

Record only_record(const Buffer& datagram) {
  DatagramReader reader(datagram);
  EXPECT_EQ(reader.next(), Item::kRecord);
  Record out = reader.record();
  EXPECT_EQ(reader.next(), Item::kEnd);
  return out;
}

// Each value below is what the capture's own listing says.
TEST(Message, ReadsARecordOfTheKernel) {
  const std::vector<Buffer> raw = test::captured(kCaptured);
  const Record r = only_record(raw.at(0));
  EXPECT_EQ(r.group, 1);
  EXPECT_EQ(r.family, 2);
  EXPECT_EQ(r.ether_type, 0x0800);
  EXPECT_EQ(r.hook, 2);
  EXPECT_EQ(r.prefix, "DPI|default");
  EXPECT_EQ(r.indev, 2u);
  EXPECT_EQ(r.outdev, 3u);
  EXPECT_EQ(r.physindev, 0u);
  EXPECT_EQ(r.mark, 0u);
  EXPECT_EQ(r.seq, 0u);
  EXPECT_EQ(r.payload.size(), 60u);
  ASSERT_TRUE(r.time);
  EXPECT_EQ(r.time->time_since_epoch().count(), 1795413564'775242);
}

TEST(Message, ReadsEveryCapturedRecordWhole) {
  for (const char* fixture : {kCaptured, "nflog/k3s-two-policies.txt",
                              "nflog/kube-router/k3s.nflog-batched-datagrams.txt"}) {
    const std::vector<Buffer> raw = test::captured(fixture);
    ASSERT_GE(raw.size(), 4u) << fixture;
    for (const Buffer& bytes : raw) EXPECT_FALSE(only_record(bytes).payload.empty()) << fixture;
  }
}

TEST(Message, ReadsWhatDependsOnTheHook) {
  const std::vector<Buffer> raw = test::captured(kCaptured);
  const Record output = only_record(raw.at(raw.size() - 2));
  EXPECT_EQ(output.prefix, "host-out");
  EXPECT_EQ(output.hook, 3);
  EXPECT_EQ(output.indev, 0u);
  EXPECT_EQ(output.outdev, 3u);
  EXPECT_FALSE(output.time);
  const Record input = only_record(raw.back());
  EXPECT_EQ(input.prefix, "host-in");
  EXPECT_EQ(input.indev, 2u);
  EXPECT_EQ(input.outdev, 0u);
}

TEST(Message, ReadsMarkAndBridgePorts) {
  // k3s, case A1: ports 5 and 4 of bridge 3, mark 0x20000 (the hex of the attributes).
  const std::string line = test::lines("nflog/kube-router/records.jsonl").at(0);
  const std::size_t at = line.find("\"records\":[\"") + 12;
  const Buffer raw = test::hex(std::string_view(line).substr(at, line.find('"', at) - at));
  const Record r = only_record(raw);
  EXPECT_EQ(r.indev, 3u);
  EXPECT_EQ(r.outdev, 3u);
  EXPECT_EQ(r.physindev, 5u);
  EXPECT_EQ(r.physoutdev, 4u);
  EXPECT_EQ(r.mark, 0x20000u);
}

TEST(Message, ReadsABatchedDatagramUpToItsDone) {
  const auto datagrams =
      test::captured("nflog/kube-router/k3s.nflog-batched-datagrams.txt", "    RAWDGRAM ");
  ASSERT_EQ(datagrams.size(), 2u);
  EXPECT_EQ(items(datagrams[0]), (std::vector<Item>{Item::kRecord, Item::kRecord, Item::kRecord,
                                                    Item::kRecord, Item::kEnd}));
  EXPECT_EQ(items(datagrams[1]).size(), 9u);  // 8 records, end
}

TEST(Message, NoPrefixIsEmptyAndALongOneIsWhole) {
  EXPECT_EQ(only_record(record({.payload = syn()})).prefix, "");
  const std::string longest(127, 'x');
  EXPECT_EQ(only_record(record({.prefix = longest, .payload = syn()})).prefix, longest);
  EXPECT_EQ(only_record(record({.prefix = std::string("a\0b", 3), .payload = syn()})).prefix, "a");
}

TEST(Message, ReadsAnswers) {
  Buffer body;
  test::put_native(body, -EPERM);
  const Buffer datagram = test::message(2, body, 42);
  DatagramReader reader(datagram);
  ASSERT_EQ(reader.next(), Item::kAnswer);
  EXPECT_EQ(reader.answer().request, 42u);
  EXPECT_EQ(reader.answer().error, EPERM);
}

TEST(Message, AnAnswerOutsideErrnoIsClamped) {
  Buffer body;
  test::put_native(body, INT32_MIN);
  const Buffer datagram = test::message(2, body);
  DatagramReader reader(datagram);
  ASSERT_EQ(reader.next(), Item::kAnswer);
  EXPECT_EQ(reader.answer().error, 4095);
}

TEST(Message, ADamagedMessageLeavesTheOthersWhole) {
  const Buffer good = record({.payload = syn()});
  Buffer short_attribute = good;
  short_attribute[20] = std::byte{3};  // the first attribute's length: less than its header
  Buffer long_attribute = good;
  long_attribute[21] = std::byte{0xff};  // … more than the message
  const Buffer no_body = test::message(0x0400, {});
  EXPECT_EQ(items(joined({good, short_attribute, good, long_attribute, no_body, good})),
            (std::vector<Item>{Item::kRecord, Item::kDamaged, Item::kRecord, Item::kDamaged,
                               Item::kDamaged, Item::kRecord, Item::kEnd}));
}

TEST(Message, AWrongMessageLengthEndsTheDatagramOnce) {
  const Buffer good = record({.payload = syn()});
  for (const std::uint32_t length : {0U, 15U, 100'000U, 0xffff'ffffU}) {
    Buffer bad = good;
    std::memcpy(bad.data(), &length, sizeof length);
    EXPECT_EQ(items(joined({good, bad, good})),
              (std::vector<Item>{Item::kRecord, Item::kDamaged, Item::kEnd}))
        << length;
  }
}

TEST(Message, ShortValuesAreDamage) {
  for (const std::uint16_t type : std::initializer_list<std::uint16_t>{1, 2, 3, 4, 5, 6, 7, 12}) {
    Buffer body = test::hex("02000064");
    const Buffer short_value = test::attribute(type, test::hex("0000"));
    body.insert(body.end(), short_value.begin(), short_value.end());
    EXPECT_EQ(items(test::message(0x0400, body)).front(), Item::kDamaged) << type;
  }
}

TEST(Message, ATimeBeyondReasonIsDamage) {
  for (const char* time :
       {"ffffffffffffffff 0000000000000000", "0000000000000001 00000000000f4240"}) {
    Buffer body = test::hex("02000064");
    const Buffer bad = test::attribute(3, test::hex(time));
    body.insert(body.end(), bad.begin(), bad.end());
    EXPECT_EQ(items(test::message(0x0400, body)).front(), Item::kDamaged);
  }
}

TEST(Message, OtherKindsArePassedOver) {
  const Buffer done = test::message(3, test::hex("00000000"));
  const Buffer overrun = test::message(4, {}), noop = test::message(1, {});
  const Buffer conntrack = test::message(0x0100, test::hex("0200000000000000"));
  EXPECT_EQ(items(joined({noop, conntrack, record({.payload = syn()}), overrun, done})),
            (std::vector<Item>{Item::kRecord, Item::kEnd}));
}

// Every cut and 200,000 mutations: the reader ends, and every view stays inside (ASan watches).
TEST(Message, HostileBytesNeverLeadOutside) {
  const Buffer good =
      test::captured("nflog/kube-router/k3s.nflog-batched-datagrams.txt", "    RAWDGRAM ").at(1);
  const auto walk = [](const Buffer& datagram) {
    DatagramReader reader(datagram);
    std::size_t touched = 0;
    for (Item item = reader.next(); item != Item::kEnd; item = reader.next()) {
      if (item != Item::kRecord) continue;
      for (const char c : reader.record().prefix) touched += c != 0;
      for (const std::byte b : reader.record().payload) touched += b != std::byte{};
    }
    return touched;
  };
  std::size_t touched = 0;
  for (std::size_t n = 0; n <= good.size(); ++n) {
    touched += walk(Buffer(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n)));
  }
  std::mt19937 dice(2);
  for (int i = 0; i < 200'000; ++i) {
    Buffer bad(good.begin(), good.begin() + 480);
    for (unsigned n = 1 + dice() % 4; n > 0; --n) bad[dice() % bad.size()] = std::byte(dice());
    touched += walk(bad);
  }
  EXPECT_GT(touched, 0u);
}

}  // namespace
}  // namespace kube_nflog
