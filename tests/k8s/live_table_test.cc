// SPDX-License-Identifier: Apache-2.0
#include "k8s/live_table.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/k8s/make.h"

namespace kube_nflog {
namespace {

EventSubject of_policy() {
  EventSubject s;
  s.pod = {"shop", "web-5d9c7b8f4d-x7k2p", "uid"};
  s.peer_ip = "10.1.2.3";
  s.peer_name = "shop/checkout";
  s.protocol = "TCP";
  s.port = 8080;
  s.cause = "denied by NetworkPolicy shop/default-deny";
  s.key = 1;
  return s;
}
EventSubject over_ipv6() {
  EventSubject s;
  s.pod = {"payments", "ledger-6b7f9d8c5-w4n8q", "uid"};
  s.direction = Direction::kSending;
  s.peer_ip = s.peer_name = "2001:db8:1234:5678:9abc:def0:1234:5678";
  s.protocol = "ICMPv6";
  s.icmp = "echo-request";
  s.cause = "by rule \"shop-deny\"";
  s.key = 2;
  return s;
}
EventRecord counted(std::uint64_t count) {
  EventRecord r;
  r.total = count;
  r.last = make::wall(10);
  return r;
}

std::string table(const Screen& screen) {
  return live_header(screen) + '\n' + live_row(of_policy(), counted(37), screen) + '\n' +
         live_row(over_ipv6(), counted(1'234'567), screen) + '\n';
}

// As it looks. Each line of the screen is one here, whatever the formatter would make of it.
// clang-format off
TEST(LiveTable, FitsAScreenOf80Columns) {
  EXPECT_EQ(table({.columns = 80}),
            "LAST       COUNT  POD                 PEER           PORT         CAUSE\n"
            "10:01:12      37  shop/web-5d9c… from shop/checkout  8080/TCP     shop/default-…\n"
            "10:01:12 1234567  payments/ledg… to   2001:d…4:5678  echo-request rule \"shop-de…\n");
}

TEST(LiveTable, FitsAScreenOf120Columns) {
  EXPECT_EQ(table({.columns = 120}),
            "LAST       COUNT  POD                                PEER                         PORT         CAUSE\n"
            "10:01:12      37  shop/web-5d9c7b8f4d-x7k2p     from shop/checkout                8080/TCP     shop/default-deny\n"
            "10:01:12 1234567  payments/ledger-6b7f9d8c5-w4… to   2001:db8:1234…ef0:1234:5678  echo-request rule \"shop-deny\"\n");
}
// clang-format on

TEST(LiveTable, NoLineIsWiderThanTheScreen) {
  EventSubject s = over_ipv6();
  s.pod.name = std::string(253, 'p');
  s.cause = "denied by NetworkPolicy " + std::string(300, 'c');
  for (std::size_t columns = 60; columns < 300; ++columns) {
    const std::string row = live_row(s, counted(UINT64_MAX), {.columns = columns});
    const auto width =
        std::count_if(row.begin(), row.end(), [](char c) { return (c & '\xc0') != '\x80'; });
    EXPECT_LE(static_cast<std::size_t>(width), columns);
  }
}

TEST(LiveTable, ManyPeersAreANumber) {
  EventSubject s = of_policy();
  s.shared = true;
  EventRecord r = counted(5);
  r.peers = {.addresses = 37};
  EXPECT_NE(live_row(s, r, {.columns = 120}).find(" from 37 addresses  "), std::string::npos);
  r.base_peers = 12;
  EXPECT_NE(live_row(s, r, {.columns = 120}).find(" from 37+ addresses  "), std::string::npos);
}

TEST(LiveTable, ColoursTheCauseWhereThereIsColour) {
  EXPECT_NE(live_row(of_policy(), counted(1), {.columns = 120, .colour = true})
                .find("\x1b[33mshop/default-deny\x1b[0m"),
            std::string::npos);
  EXPECT_EQ(live_row(of_policy(), counted(1), {.columns = 120}).find('\x1b'), std::string::npos);
}

class LiveTableTest : public testing::Test {
 protected:
  std::string show(std::uint64_t key, std::uint64_t count) {
    EventSubject s = of_policy();
    s.key = key;
    return table.show(s, counted(count), screen);
  }
  std::string row(std::uint64_t count) { return live_row(of_policy(), counted(count), screen); }
  Screen screen{.columns = 80, .rows = 4};
  LiveTable table;
};

TEST_F(LiveTableTest, ARepeatMovesItsCountWhereItStands) {
  EXPECT_EQ(show(1, 1), live_header(screen) + '\n' + row(1) + '\n');
  EXPECT_EQ(show(2, 1), row(1) + '\n');
  EXPECT_EQ(show(1, 5), "\x1b[2A\r\x1b[K" + row(5) + "\x1b[2B\r");
  EXPECT_EQ(show(2, 6), "\x1b[1A\r\x1b[K" + row(6) + "\x1b[1B\r");
}

TEST_F(LiveTableTest, WhatHasLeftTheScreenIsShownAnew) {
  for (std::uint64_t key = 1; key <= 4; ++key) show(key, 1);
  EXPECT_EQ(show(2, 2), "\x1b[3A\r\x1b[K" + row(2) + "\x1b[3B\r");  // the top line of four
  EXPECT_EQ(show(1, 2), row(2) + '\n');
}

TEST_F(LiveTableTest, WhatOthersWriteOrAResizeMovesMakesNewLines) {
  show(1, 1);
  screen.lines_of_others = 1;
  EXPECT_EQ(show(1, 2), row(2) + '\n');
  EXPECT_EQ(show(1, 3), "\x1b[1A\r\x1b[K" + row(3) + "\x1b[1B\r");
  screen.columns = 100;
  EXPECT_EQ(show(1, 4), row(4) + '\n');
  screen.columns = 40;  // lines wrap
  show(1, 5);
  EXPECT_EQ(show(1, 6), row(6) + '\n');
}

TEST_F(LiveTableTest, RemembersNoMoreThanTheScreenHolds) {
  screen.rows = 50;
  for (std::uint64_t key = 1; key <= 10'000; ++key) show(key, 1);
  EXPECT_EQ(show(1, 2), row(2) + '\n');
}

}  // namespace
}  // namespace kube_nflog
