// SPDX-License-Identifier: Apache-2.0
#include "k8s/peer_fold.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>

#include "k8s/event_key.h"
#include "tests/k8s/make.h"

namespace kube_nflog {
namespace {

using namespace std::chrono_literals;
using make::ip;
using make::port_key;

class PeerFoldTest : public testing::Test {
 protected:
  void start() { fold.emplace(options, metrics); }
  PeerFold::Place receive(std::string_view src, std::uint16_t port = 80,
                          std::string_view uid = "uid-web") {
    return fold->place(uid, Direction::kReceiving, {port_key(src, "10.0.0.1", port), 1, {}, {}},
                       now);
  }
  static std::string peer(int n) {
    return "192.0." + std::to_string(n / 256) + '.' + std::to_string(n % 256);
  }
  // Peers first … last - 1 receive; the last one's place.
  PeerFold::Place receive_all(int first, int last, std::uint16_t port = 80) {
    PeerFold::Place place;
    for (int n = first; n < last; ++n) place = receive(peer(n), port);
    return place;
  }
  std::uint64_t full(PeerFoldFull what) const { return metrics.peer_fold_full[what].value(); }

  PeerFoldOptions options;
  Metrics metrics;
  std::optional<PeerFold> fold;
  SteadyTime now{1000s};
};

TEST_F(PeerFoldTest, TenPeersHaveTheirOwnEventsFurtherOnesShareOne) {
  start();
  std::set<std::uint64_t> events;
  for (int n = 0; n < 10; ++n) {
    const PeerFold::Place place = receive(peer(n));
    EXPECT_FALSE(place.shared());
    EXPECT_EQ(place.event,
              event_key("uid-web", Direction::kReceiving, port_key(peer(n), "10.0.0.1", 80)));
    events.insert(place.event);
  }
  EXPECT_EQ(events.size(), 10U);
  for (int n = 10; n < 40; ++n) {
    const PeerFold::Place place = receive(peer(n));
    EXPECT_EQ(place.peers.addresses, static_cast<std::uint32_t>(n - 9));
    EXPECT_TRUE(place.peers.complete);
    EXPECT_EQ(place.example, ip(peer(10)));
    EXPECT_EQ(place.event, shared_event_key("uid-web", Direction::kReceiving,
                                            port_key("1.2.3.4", "10.0.0.1", 80)));
  }
}

TEST_F(PeerFoldTest, EveryPeerStaysWhereItIs) {
  start();
  receive_all(0, 40);
  now += 59min;
  EXPECT_FALSE(receive(peer(3)).shared());
  EXPECT_EQ(receive(peer(25)).peers.addresses, 30U);
  EXPECT_EQ(receive(peer(10)).peers.addresses, 30U);  // the example
  now += 59min;
  EXPECT_FALSE(receive(peer(3)).shared());
  EXPECT_TRUE(receive(peer(25)).shared());  // although nine have left since
}

TEST_F(PeerFoldTest, WhatMakesAnotherEventMakesAnotherGroup) {
  start();
  receive_all(0, 10);
  ASSERT_TRUE(receive(peer(10)).shared());
  const Cause cause{"x"};
  const ServiceAddress service{ip("10.96.0.1"), 80};
  const auto shares = [&](const DropKey& key, std::string_view uid = "uid-web",
                          Direction direction = Direction::kReceiving) {
    return fold->place(uid, direction, {key, 1, {}, {}}, now).shared();
  };
  const DropKey key = port_key(peer(11), "10.0.0.1", 80);
  DropKey through = key, portless = key;
  through.service = &service;
  portless.detail_kind = Detail::kNone;
  EXPECT_TRUE(shares(key));
  EXPECT_FALSE(shares(key, "uid-cart"));
  EXPECT_FALSE(shares(key, "uid-web", Direction::kSending));
  EXPECT_FALSE(shares(port_key(peer(11), "10.0.0.1", 81)));
  EXPECT_FALSE(shares(port_key(peer(11), "10.0.0.1", 80, IPPROTO_UDP)));
  EXPECT_FALSE(shares(port_key(peer(11), "10.0.0.1", 80, IPPROTO_TCP, &cause)));
  EXPECT_FALSE(shares(through));
  EXPECT_FALSE(shares(portless));
  EXPECT_TRUE(shares(port_key(peer(12), "fd00::1", 80)));  // the Pod's other address
  EXPECT_EQ(fold->groups(), 8U);
}

TEST_F(PeerFoldTest, APodThatScansSharesOneEventForItsTargets) {
  start();
  const auto send = [&](const std::string& dst) {
    return fold->place("uid-web", Direction::kSending, {port_key("10.0.0.1", dst, 22), 1, {}, {}},
                       now);
  };
  for (int n = 0; n < 10; ++n) EXPECT_FALSE(send(peer(n)).shared());
  for (int n = 10; n < 100; ++n) {
    const PeerFold::Place place = send(peer(n));
    EXPECT_EQ(place.peers.addresses, static_cast<std::uint32_t>(n - 9));
    EXPECT_EQ(place.example, ip(peer(10)));
  }
}

// Nobody knows how many sources ingest has folded, but the example is one of them.
TEST_F(PeerFoldTest, WhatIngestHasFoldedIsShared) {
  start();
  DropSummary folded{port_key(peer(0), "10.0.0.1", 80), 5, {}, {}, ip(peer(7))};
  folded.key.src = IpAddr();
  for (const Fold kind : {Fold::kSources, Fold::kPorts}) {
    folded.key.fold = kind;
    const PeerFold::Place place = fold->place("uid-web", Direction::kReceiving, folded, now);
    EXPECT_EQ(place.peers.addresses, 1U);
    EXPECT_FALSE(place.peers.complete);
    EXPECT_EQ(place.example, ip(peer(7)));
  }
  EXPECT_FALSE(receive(peer(1)).shared());
  EXPECT_TRUE(receive(peer(7)).shared());  // once there, always there
  receive_all(100, 120);
  const PeerFold::Place place = receive(peer(120));
  EXPECT_EQ(place.peers.addresses, 13U);
  EXPECT_FALSE(place.peers.complete);  // for good
}

TEST_F(PeerFoldTest, WhatIngestHasFoldedOfAScanIsSharedByItsTargets) {
  start();
  const auto send = [&](const DropSummary& drop) {
    return fold->place("uid-web", Direction::kSending, drop, now);
  };
  for (int n = 0; n < 30; ++n) send({port_key("10.0.0.1", peer(n), 22), 1, {}, {}});
  DropSummary folded{port_key("10.0.0.1", peer(0), 22), 5, {}, {}, ip(peer(50))};
  folded.key.dst = IpAddr();
  folded.key.fold = Fold::kDestinations;
  const PeerFold::Place place = send(folded);
  EXPECT_EQ(place.event, shared_event_key("uid-web", Direction::kSending,
                                          port_key("10.0.0.1", "192.0.2.1", 22)));
  EXPECT_EQ(place.peers.addresses, 21U);
  EXPECT_FALSE(place.peers.complete);
  EXPECT_EQ(place.example, ip(peer(10)));
  folded.key.detail = 0;  // of many ports: none of those that have one
  folded.key.detail_kind = Detail::kNone;
  EXPECT_EQ(send(folded).peers.addresses, 1U);
  EXPECT_EQ(send(folded).example, ip(peer(50)));
}

TEST_F(PeerFoldTest, PastItsBoundAGroupSaysMoreThan) {
  start();
  EXPECT_EQ(receive_all(0, 266).peers.addresses, 256U);
  EXPECT_TRUE(receive(peer(265)).peers.complete);
  EXPECT_EQ(full(PeerFoldFull::kAddresses), 0U);
  for (int n = 266; n < 20'000; ++n) {
    const PeerFold::Place place = receive(peer(n));
    ASSERT_EQ(place.peers.addresses, 257U);
    ASSERT_FALSE(place.peers.complete);
  }
  EXPECT_EQ(receive(peer(20)).peers.addresses, 257U);  // no way back
  EXPECT_EQ(full(PeerFoldFull::kAddresses), 20'000U - 266U);
  EXPECT_EQ(fold->addresses(), 255U);
}

TEST_F(PeerFoldTest, PastTheBoundOfAllGroupsANumberIsALowerBound) {
  options.addresses = 50;
  start();
  receive_all(0, 60, 80);  // one example and 49 others
  EXPECT_EQ(receive_all(0, 12, 81).peers.addresses, 2U);
  const PeerFold::Place place = receive_all(12, 20, 81);
  EXPECT_EQ(place.peers.addresses, 2U);
  EXPECT_FALSE(place.peers.complete);
  EXPECT_EQ(full(PeerFoldFull::kAddresses), 8U);
  EXPECT_EQ(receive_all(0, 11, 82).peers.addresses, 1U);  // an example has room always
  now += 30min;
  receive_all(0, 12, 81);
  now += 31min;
  receive(peer(0), 81);
  EXPECT_EQ(fold->addresses(), 1U);  // the first group has given back what it had
  EXPECT_EQ(receive_all(30, 40, 81).peers.addresses, 12U);
}

TEST_F(PeerFoldTest, TheLongestQuietGroupMakesWay) {
  options.groups = 3;
  start();
  receive_all(0, 12, 1);
  receive_all(0, 11, 2);
  receive_all(0, 11, 3);
  receive(peer(0), 1);
  EXPECT_EQ(full(PeerFoldFull::kGroups), 0U);
  receive(peer(0), 4);
  EXPECT_EQ(fold->groups(), 3U);
  EXPECT_EQ(full(PeerFoldFull::kGroups), 1U);
  EXPECT_TRUE(receive(peer(10), 1).shared());
  EXPECT_FALSE(receive(peer(10), 2).shared());  // begins anew, and takes the place of 3
  EXPECT_TRUE(receive(peer(10), 1).shared());
  EXPECT_FALSE(receive(peer(10), 3).shared());
  EXPECT_EQ(fold->addresses(), 1U);
}

TEST_F(PeerFoldTest, APeerOfLongAgoFreesItsPlace) {
  start();
  receive_all(0, 10);
  for (int i = 0; i < 6; ++i) {
    now += 10min;
    EXPECT_TRUE(receive(peer(100)).shared());
    for (int n = 1; n < 10; ++n) EXPECT_FALSE(receive(peer(n)).shared());
  }
  EXPECT_TRUE(receive(peer(100)).shared());  // has its part already
  EXPECT_FALSE(receive(peer(101)).shared());
  EXPECT_TRUE(receive(peer(0)).shared());
  EXPECT_TRUE(receive(peer(102)).shared());
}

TEST_F(PeerFoldTest, ASharedEventOfLongAgoBeginsAnew) {
  start();
  const PeerFold::Place before = receive_all(0, 40);
  for (int i = 0; i < 6; ++i) {
    now += 10min;
    receive_all(0, 10);
  }
  EXPECT_EQ(fold->addresses(), 29U);
  const PeerFold::Place after = receive(peer(50));
  EXPECT_EQ(after.event, before.event);
  EXPECT_EQ(after.peers.addresses, 1U);
  EXPECT_EQ(after.example, ip(peer(50)));
  EXPECT_NE(after.peers.memory, before.peers.memory);
  EXPECT_EQ(fold->addresses(), 0U);
}

TEST_F(PeerFoldTest, QuietGroupsAreForgotten) {
  start();
  for (std::uint16_t port = 1; port <= 100; ++port) receive_all(0, 12, port);
  EXPECT_EQ(fold->groups(), 100U);
  EXPECT_EQ(fold->addresses(), 100U);
  now += 1h;
  receive(peer(0), 200);
  EXPECT_EQ(fold->groups(), 1U);
  EXPECT_EQ(fold->addresses(), 0U);
}

// Whatever comes, the bounds hold, no number ever falls within a memory, and a peer that is asked
// for twice is in the same place.
TEST_F(PeerFoldTest, HostileGrowthIsBounded) {
  options = {.own = 3, .told_apart = 8, .addresses = 40, .groups = 16};
  start();
  std::mt19937 random(1);
  std::map<std::uint32_t, std::uint32_t> seen;  // by memory
  for (int i = 0; i < 50'000; ++i) {
    now += std::chrono::seconds(random() % 500 == 0 ? random() % 4000 : 0);
    DropSummary drop{port_key(peer(static_cast<int>(random() % 600)), "10.0.0.1",
                              static_cast<std::uint16_t>(random() % 9)),
                     1,
                     {},
                     {},
                     ip(peer(static_cast<int>(random() % 600)))};
    const Fold folds[] = {Fold::kSources, Fold::kDestinations};
    drop.key.fold = random() % 8 == 0 ? folds[random() % 2] : Fold::kFlow;
    const auto direction = random() % 2 ? Direction::kReceiving : Direction::kSending;
    const PeerFold::Place place = fold->place("uid", direction, drop, now);
    ASSERT_LE(fold->groups(), 16U);
    ASSERT_LE(fold->addresses(), 40U);
    ASSERT_LE(place.peers.addresses, 9U);
    ASSERT_GE(place.peers.addresses,
              std::exchange(seen[place.peers.memory], place.peers.addresses));
    ASSERT_TRUE(place.shared() || drop.key.fold == Fold::kFlow);
    const PeerFold::Place again = fold->place("uid", direction, drop, now);
    ASSERT_EQ(again.event, place.event);
    ASSERT_EQ(again.peers.addresses, place.peers.addresses);
  }
  EXPECT_GT(full(PeerFoldFull::kGroups), 0U);
  EXPECT_GT(full(PeerFoldFull::kAddresses), 0U);
}

}  // namespace
}  // namespace kube_nflog
