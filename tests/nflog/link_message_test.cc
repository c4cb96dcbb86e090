// SPDX-License-Identifier: Apache-2.0
#include "nflog/link_message.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tests/nflog/link_bytes.h"

namespace kube_nflog {
namespace {

using test::Buffer;
using test::captured_link;
using test::joined;
using test::kDelLink;
using test::kDone;
using test::kNewLink;
using test::link_message;
using test::told;

TEST(LinkMessage, ReadsWhatTheKernelSends) {
  EXPECT_EQ(told(captured_link("dump-0")), "1 lo, 2 veth-b, 3 veth-a");
  EXPECT_EQ(told(captured_link("dump-1")), "done");
  EXPECT_EQ(told(captured_link("rename")), "3 renamed");
  EXPECT_EQ(told(captured_link("gone")), "3 gone");
  EXPECT_EQ(told(captured_link("refused")), "partial");
}

TEST(LinkMessage, AnInterfaceThatLeavesABridgeIsNotGone) {
  const Buffer left = captured_link("leaves-a-bridge");
  ASSERT_FALSE(left.empty());
  EXPECT_EQ(told(left), "");
  EXPECT_EQ(told(link_message(kDelLink, 2, "eth0", 7)), "");
  EXPECT_EQ(told(link_message(kDelLink, 2, "eth0")), "2 gone");
}

TEST(LinkMessage, ANameIsAsLongAsTheKernelAllowsAndPrintable) {
  EXPECT_EQ(told(link_message(kNewLink, 2, "fifteen-letters")), "2 fifteen-letters");
  EXPECT_EQ(told(link_message(kNewLink, 2, "sixteen--letters")), "2 gone");
  EXPECT_EQ(told(link_message(kNewLink, 2, "a b")), "2 gone");
  EXPECT_EQ(told(link_message(kNewLink, 2, "a\x1b[2J")), "2 gone");
  EXPECT_EQ(told(link_message(kNewLink, 2, "\xc3\xa4")), "2 gone");
  EXPECT_EQ(told(link_message(kNewLink, 2, "")), "2 gone");
  EXPECT_EQ(told(link_message(kNewLink, 2, "\"\\")), "2 \"\\") << "is for the writer of JSON";
}

TEST(LinkMessage, WhatTellsNoNameIsPassedOver) {
  EXPECT_EQ(told(link_message(kNewLink, 0, "eth0")), "");
  EXPECT_EQ(told(link_message(kNewLink, -1, "eth0")), "");
  EXPECT_EQ(told(test::message(kNewLink, test::hex("00000000 02000000"))), "") << "cut header";
  EXPECT_EQ(told(test::message(kNewLink, test::hex("00000000 02000000 00000000 00000000"))), "");
  EXPECT_EQ(told(test::message(20, Buffer(32))), "") << "RTM_NEWADDR";
  EXPECT_EQ(told(joined({test::message(20, Buffer(32)), link_message(kNewLink, 2, "eth0")})),
            "2 eth0");
}

TEST(LinkMessage, AnInterruptedOrFailedDumpIsPartial) {
  Buffer interrupted = link_message(kNewLink, 2, "eth0");
  interrupted[6] = std::byte{0x12};  // NLM_F_DUMP_INTR | NLM_F_MULTI
  EXPECT_EQ(told(interrupted), "partial");
  EXPECT_EQ(told(test::message(kDone, test::hex("00000000"))), "done");
  EXPECT_EQ(told(test::message(kDone, test::hex("fcffffff"))), "partial") << "-EINTR";
}

TEST(LinkMessage, MutatedMessagesNameNothingThatCannotBePrinted) {
  const Buffer good = joined({captured_link("dump-0"), captured_link("rename")});
  std::mt19937 dice(5);
  std::size_t links = 0;
  for (int i = 0; i < 20'000; ++i) {
    Buffer bad = good;
    for (unsigned n = 1 + dice() % 8; n > 0; --n) bad[dice() % bad.size()] = std::byte(dice());
    bad.resize(dice() % (bad.size() + 1));
    LinkReader reader(bad);
    for (LinkReader::Item item; (item = reader.next()) != LinkReader::Item::kEnd;) {
      if (item != LinkReader::Item::kLink) continue;
      ++links;
      ASSERT_GT(reader.link().index, 0u);
      for (const char c : reader.link().name.view()) ASSERT_TRUE(c > ' ' && c <= '~');
    }
  }
  EXPECT_GT(links, 1'000u);
}

}  // namespace
}  // namespace kube_nflog
