// SPDX-License-Identifier: Apache-2.0
#include "k8s/locator.h"

#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "k8s/pod_index.h"
#include "k8s/pod_lookup.h"
#include "k8s/service_lookup.h"
#include "tests/fakes/fake_http.h"
#include "tests/k8s/make.h"

namespace kube_nflog {
namespace {

using namespace std::chrono_literals;
using make::pod;
using make::port_key;

class LocatorTest : public testing::Test {
 protected:
  LocatorTest() { pods.upsert(pod("shop", "web", "uid-web", "10.0.0.1"), steady); }

  Moment now() const { return {steady, make::wall()}; }
  void locate(const DropKey& key, std::uint64_t count = 1) {
    locator.locate({key, count, make::wall(), make::wall()}, ends(key), now());
  }
  void locate(std::string_view src, std::string_view dst, std::uint64_t count = 1) {
    locate(port_key(src, dst, 80), count);
  }
  Ends ends(const DropKey& key) const {
    return {pods.find(key.src, make::wall(), now()), pods.find(key.dst, make::wall(), now()), {}};
  }
  void pass(SteadyTime::duration time) {
    steady += time;
    locator.tick(now());
  }
  // A PodList with that one Pod.
  static std::string list_of(const std::string& name, const std::string& ip) {
    return R"({"kind":"PodList","items":[{"metadata":{"namespace":"shop","name":")" + name +
           R"(","uid":"uid-)" + name + R"("},"status":{"phase":"Running","podIP":")" + ip +
           R"("}}]})";
  }
  void no_pod() { http.answer(200, R"({"kind":"PodList","items":[]})"); }
  void no_service() { http.answer(200, R"({"kind":"ServiceList","items":[]})"); }
  void service(const std::string& name, const std::string& ip) {
    http.answer(200,
                R"({"kind":"ServiceList","items":[{"metadata":{"namespace":"payments","name":")" +
                    name + R"("},"spec":{"clusterIP":")" + ip + R"("}}]})");
  }
  void dns_says(Owner owner) {
    ASSERT_FALSE(dns_asked.empty()) << "DNS is not asked";
    const LookupCache::Answered answered = std::move(dns_asked.front());
    dns_asked.pop_front();
    const LookupResult result = owner.known() ? LookupResult::kFound : LookupResult::kNotFound;
    answered({result, std::move(owner), 60s});
  }

  struct Seen {
    std::uint64_t count;
    std::string source, destination, service;
    Locator::Told told;
  };
  static std::string text(const Owner& owner) {
    if (owner.pod) return owner.pod->name;
    if (!owner.service.empty()) return owner.service.ns + "/" + owner.service.name;
    return owner.node + owner.host;
  }

  SteadyTime steady{1000s};
  PodIndex pods;
  FakeHttp http;
  Metrics metrics;
  PodLookup pod_lookup{http, metrics, {.limits = {.burst = 20}}};
  ServiceLookup service_lookup{http, metrics, {}};
  std::deque<LookupCache::Answered> dns_asked;
  LookupCache dns{
      {}, metrics.dns_lookups, [this](const IpAddr&, SteadyTime, LookupCache::Answered answered) {
        dns_asked.push_back(std::move(answered));
      }};
  std::vector<Seen> seen;
  const Locator::Located remember = [this](const DropSummary& drop, const Ends& ends,
                                           Locator::Told told) {
    seen.push_back({drop.count, text(ends.source), text(ends.destination),
                    ends.service.empty() ? "" : ends.service.ns + "/" + ends.service.name, told});
  };
  Locator locator{pods, {.pods = &pod_lookup}, remember, {.capacity = 2}};
};

TEST_F(LocatorTest, KnownEndsAreHandedOnAtOnce) {
  pods.upsert(pod("shop", "cart", "uid-cart", "10.0.0.2"), steady);
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

TEST_F(LocatorTest, BeyondItsCapacityNobodyWaits) {
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
    locator.locate_peer({key, 1, {}, {}}, ends(key), Direction::kReceiving, now());
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
  Locator offline(pods, {}, remember);
  const DropKey key = port_key("10.9.0.1", "10.0.0.1", 80);
  offline.locate({key, 1, {}, {}}, {}, now());
  EXPECT_EQ(seen.size(), 1U);
}

class LocatorChain : public LocatorTest {
 protected:
  LocatorChain() { take({.pods = &pod_lookup, .services = &service_lookup, .dns = &dns}); }
  void take(Lookups lookups) { new_locator.emplace(pods, lookups, remember); }
  void locate(const DropKey& key, std::uint64_t count = 1) {
    new_locator->locate({key, count, make::wall(), make::wall()}, ends(key), now());
  }
  void locate(std::string_view src, std::string_view dst) { locate(port_key(src, dst, 80)); }
  void pass(SteadyTime::duration time) {
    steady += time;
    new_locator->tick(now());
  }
  std::optional<Locator> new_locator;
};

TEST_F(LocatorChain, ADestinationIsAPodElseAServiceElseAHost) {
  locate("10.0.0.1", "10.96.0.17");
  no_pod();
  EXPECT_NE(http.last().path.find("/services?"), std::string::npos);
  service("ledger-db", "10.96.0.17");
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].destination, "payments/ledger-db");
  EXPECT_TRUE(dns_asked.empty());
  locate("10.0.0.1", "203.0.113.7");
  no_pod();
  no_service();
  ASSERT_EQ(seen.size(), 1U);
  dns_says({.host = "api.example.com"});
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[1].destination, "api.example.com");
  locate("10.0.0.1", "203.0.113.8");
  no_pod();
  no_service();
  dns_says({});
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_EQ(seen[2].destination, "");
  EXPECT_EQ(new_locator->waiting(), 0U);
}

TEST_F(LocatorChain, ASourceIsNoService) {
  locate("203.0.113.7", "10.0.0.1");
  no_pod();
  EXPECT_EQ(http.size(), 1U);
  dns_says({.host = "client.example.com"});
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].source, "client.example.com");
}

TEST_F(LocatorChain, WhatIsSwitchedOffIsSkipped) {
  take({.dns = &dns});
  locate("10.0.0.1", "203.0.113.7");
  EXPECT_EQ(http.size(), 0U);
  dns_says({.host = "api.example.com"});
  ASSERT_EQ(seen.size(), 1U);
  take({.pods = &pod_lookup});
  locate("10.0.0.1", "203.0.113.9");
  no_pod();
  EXPECT_EQ(seen.size(), 2U);
  EXPECT_TRUE(dns_asked.empty());
}

TEST_F(LocatorChain, NobodyWaitsLongerThanTheBoundWhicheverStageHangs) {
  locate("10.0.0.1", "203.0.113.1");  // the first stage
  pass(500ms);
  locate("203.0.113.2", "10.0.0.1");  // the last stage
  no_pod();
  http.answer(1, {.status = 200, .body = R"({"kind":"PodList","items":[]})"});
  EXPECT_EQ(new_locator->next_due(), steady + 1500ms);
  pass(1499ms);
  EXPECT_TRUE(seen.empty());
  pass(1ms);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(new_locator->next_due(), steady + 500ms);
  pass(500ms);
  EXPECT_EQ(seen.size(), 2U);
  EXPECT_EQ(new_locator->next_due(), SteadyTime::max());
  dns_says({.host = "late.example.com"});  // too late for that one, in time for the next
  EXPECT_EQ(seen.size(), 2U);
  locate("203.0.113.2", "10.0.0.1");
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_EQ(seen[2].source, "late.example.com");
}

TEST_F(LocatorChain, TheServiceBehindADnatIsNamed) {
  const ServiceAddress address{make::ip("10.96.0.17"), 5432};
  pods.upsert(pod("payments", "ledger", "uid-ledger", "10.0.0.2"), steady);
  DropKey key = port_key("10.0.0.1", "10.0.0.2", 5432);
  key.service = &address;
  locate(key);
  EXPECT_TRUE(seen.empty());
  service("ledger-db", "10.96.0.17");
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].service, "payments/ledger-db");
  EXPECT_EQ(seen[0].destination, "ledger");
  locate(key);
  EXPECT_EQ(seen.size(), 2U) << "remembered";
  EXPECT_EQ(new_locator->recall_service(key, steady).name, "ledger-db");
}

TEST_F(LocatorChain, DnsNamesTheServiceWhereTheApiServerDoesNot) {
  const ServiceAddress address{make::ip("10.96.0.17"), 5432};
  pods.upsert(pod("payments", "ledger", "uid-ledger", "10.0.0.2"), steady);
  DropKey key = port_key("10.0.0.1", "10.0.0.2", 5432);
  key.service = &address;
  locate(key);
  http.answer(400, "field label not supported: spec.clusterIP");
  dns_says({.service = {"payments", "ledger-db"}});
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].service, "payments/ledger-db");
  EXPECT_EQ(new_locator->recall_service(key, steady).name, "ledger-db");
}

TEST_F(LocatorChain, RecallsWhatEachOfThemKnows) {
  EXPECT_EQ(text(new_locator->recall(make::ip("10.0.0.1"), steady)), "web");
  locate("10.0.0.1", "203.0.113.7");
  no_pod();
  no_service();
  dns_says({.host = "api.example.com"});
  EXPECT_EQ(text(new_locator->recall(make::ip("203.0.113.7"), steady)), "api.example.com");
  EXPECT_EQ(text(new_locator->recall(make::ip("203.0.113.8"), steady)), "");
}

// A record may come before the Pod's address does.
class LocatorYoungPod : public LocatorChain {
 protected:
  LocatorYoungPod() { pods.upsert(pod("shop", "young", "uid-young"), steady); }
  void gets(std::string_view address) {
    pods.upsert(pod("shop", "young", "uid-young", address), steady);
    pass(0s);
  }
};

TEST_F(LocatorYoungPod, IsWaitedFor) {
  locate("10.0.0.9", "10.0.0.1");
  no_pod();
  dns_says({});
  EXPECT_TRUE(seen.empty());
  pass(1s);
  EXPECT_TRUE(seen.empty());
  gets("10.0.0.9");
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].source, "young");
}

TEST_F(LocatorYoungPod, ComesFirstWhoeverIsBeingAsked) {
  locate("10.0.0.9", "10.0.0.1");
  gets("10.0.0.9");
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].source, "young");
  no_pod();
  EXPECT_EQ(seen.size(), 1U);
}

TEST_F(LocatorYoungPod, IsNotWaitedForLongerThanTheBound) {
  locate("10.0.0.9", "10.0.0.1");
  no_pod();
  dns_says({});
  gets("10.0.0.8");  // another address
  pass(1999ms);
  EXPECT_TRUE(seen.empty());
  pass(1ms);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].source, "");
}

TEST_F(LocatorYoungPod, IsNotWaitedForWhereSomebodyKnowsTheAddress) {
  locate("203.0.113.7", "10.0.0.1");
  no_pod();
  dns_says({.host = "client.example.com"});
  EXPECT_EQ(seen.size(), 1U);
}

TEST_F(LocatorYoungPod, MayHaveTheAddressOfOneThatIsGone) {
  pods.upsert(pod("shop", "old", "uid-old", "10.0.0.9"), steady);
  pods.remove("uid-old", steady - 10s);
  locate("10.0.0.9", "10.0.0.1");
  EXPECT_TRUE(seen.empty());
  EXPECT_EQ(http.size(), 0U);
  gets("10.0.0.9");
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].source, "young");
  pods.upsert(pod("shop", "next", "uid-next"), steady);
  pods.upsert(pod("shop", "gone", "uid-gone", "10.0.0.7"), steady);
  pods.remove("uid-gone", steady - 10s);
  locate("10.0.0.7", "10.0.0.1");
  pass(2s);
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[1].source, "gone") << "nobody else has come";
}

}  // namespace
}  // namespace kube_nflog
