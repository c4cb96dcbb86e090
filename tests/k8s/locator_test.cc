// SPDX-License-Identifier: Apache-2.0
#include "k8s/locator.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "k8s/pod_lookup.h"
#include "tests/fakes/fake_http.h"
#include "tests/k8s/make.h"

namespace kube_nflog {
namespace {

using namespace std::chrono_literals;
using make::pod;
using make::port_key;

class LocatorTest : public testing::Test {
 protected:
  LocatorTest() { pods.upsert(pod("shop", "web", "uid-web", "10.0.0.1"), now); }

  void locate(std::string_view src, std::string_view dst, std::uint64_t count = 1) {
    const DropKey key = port_key(src, dst, 80);
    locator.locate({key, count, {}, {}}, pods.find(key.src, now), pods.find(key.dst, now), now);
  }
  // A PodList with that one Pod.
  static std::string list_of(const std::string& name, const std::string& ip) {
    return R"({"kind":"PodList","items":[{"metadata":{"namespace":"shop","name":")" + name +
           R"(","uid":"uid-)" + name + R"("},"status":{"phase":"Running","podIP":")" + ip +
           R"("}}]})";
  }

  struct Seen {
    std::uint64_t count;
    std::string source, destination;
    Locator::Told told;
  };
  static std::string text(const Owner& owner) { return owner.pod ? owner.pod->name : owner.node; }

  SteadyTime now{1000s};
  PodIndex pods;
  FakeHttp http;
  Metrics metrics;
  PodLookup lookup{http, metrics, {}};
  std::vector<Seen> seen;
  const Locator::Located remember = [this](const DropSummary& drop, const Owner& source,
                                           const Owner& destination, Locator::Told told) {
    seen.push_back({drop.count, text(source), text(destination), told});
  };
  Locator locator{&lookup, remember, 2};
};

TEST_F(LocatorTest, KnownEndsAreHandedOnAtOnce) {
  pods.upsert(pod("shop", "cart", "uid-cart", "10.0.0.2"), now);
  locate("10.0.0.1", "10.0.0.2");
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].source, "web");
  EXPECT_EQ(seen[0].destination, "cart");
  EXPECT_EQ(http.size(), 0U);
}

TEST_F(LocatorTest, TheUnknownEndIsAskedFor) {
  locate("10.9.0.7", "10.0.0.1");
  EXPECT_TRUE(seen.empty());
  EXPECT_EQ(locator.waiting(), 1U);
  http.answer(200, list_of("remote", "10.9.0.7"));
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].source, "remote");
  EXPECT_EQ(locator.waiting(), 0U);
  locate("10.9.0.7", "10.0.0.1");  // cached
  EXPECT_EQ(seen.size(), 2U);
}

TEST_F(LocatorTest, BothEndsAreWaitedFor) {
  locate("10.9.0.7", "10.9.0.8");
  http.answer(200, list_of("seven", "10.9.0.7"));
  EXPECT_TRUE(seen.empty());
  http.fail("timed out");
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].source, "seven");
  EXPECT_EQ(seen[0].destination, "");
}

TEST_F(LocatorTest, BeyondTheBoundNobodyWaits) {
  locate("10.9.0.1", "10.0.0.1");
  locate("10.9.0.2", "10.0.0.1");
  locate("10.9.0.3", "10.0.0.1", 33);
  EXPECT_EQ(locator.waiting(), 2U);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].count, 33U);
  EXPECT_EQ(http.size(), 2U);
}

TEST_F(LocatorTest, GivingUpHandsEverythingOnOnce) {
  locate("10.9.0.1", "10.0.0.1", 1);
  locate("10.9.0.2", "10.0.0.1", 2);
  locator.give_up();
  EXPECT_EQ(seen.size(), 2U);
  http.answer(200, list_of("late", "10.9.0.1"));  // nobody listens any more
  EXPECT_EQ(seen.size(), 2U);
}

TEST_F(LocatorTest, AddressesThatAreNoPodsAreNotAskedFor) {
  for (const char* ip : {"127.0.0.1", "224.0.0.1", "0.0.0.0", "255.255.255.255"}) {
    locate(ip, "10.0.0.1");
  }
  locate("::1", "ff02::1");
  EXPECT_EQ(seen.size(), 5U);
  EXPECT_EQ(http.size(), 0U);
}

TEST_F(LocatorTest, ThePeerOfAPodThatWasToldIsAskedForWhileHalfOfTheBudgetIsLeft) {
  const auto locate_peer = [this](const std::string& src) {
    const DropKey key = port_key(src, "10.0.0.1", 80);
    locator.locate_peer({key, 1, {}, {}}, {}, pods.find(key.dst, now), Direction::kReceiving, now);
  };
  for (int n = 1; n <= 30; ++n) {  // 20 may be asked for in all
    locate_peer("10.9.0." + std::to_string(n));
    if (http.open() > 0) http.answer(200, n == 1 ? list_of("first", "10.9.0.1") : list_of("x", ""));
  }
  EXPECT_EQ(http.size(), 10U);
  locate_peer("10.9.0.1");
  locate_peer("10.9.0.2");  // known to be none
  EXPECT_EQ(seen.size(), 11U);
  EXPECT_EQ(seen.back().source, "first");
  EXPECT_EQ(seen.back().told, Direction::kReceiving);
  EXPECT_EQ(http.size(), 10U);
  locate("10.9.0.30", "10.0.0.1");
  EXPECT_EQ(http.size(), 11U);
}

TEST_F(LocatorTest, OfflineNobodyIsAsked) {
  Locator offline(nullptr, remember);
  offline.locate({port_key("10.9.0.1", "10.0.0.1", 80), 1, {}, {}}, {}, {}, now);
  EXPECT_EQ(seen.size(), 1U);
}

}  // namespace
}  // namespace kube_nflog
