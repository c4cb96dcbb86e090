// SPDX-License-Identifier: Apache-2.0
#include "k8s/pod_lookup.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/fakes/fake_http.h"

namespace kube_nflog {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr SteadyTime kStart{std::chrono::hours(1)};

IpAddr ip(const std::string& text) { return IpAddr::parse(text).value(); }

HttpResponse pod_list(const std::string& items) {
  HttpResponse response;
  response.status = 200;
  response.body =
      R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":[)" +
      items + "]}";
  return response;
}
HttpResponse taking(milliseconds took, HttpResponse response) {
  response.took = took;
  return response;
}

std::string pod(const std::string& name, const std::string& address, bool host_network = false) {
  return R"({"metadata":{"name":")" + name + R"(","namespace":"shop","uid":"uid-)" + name +
         R"(","creationTimestamp":"2026-01-01T00:00:00Z"},"spec":{"nodeName":"node-2","hostNetwork":)" +
         (host_network ? "true" : "false") +
         R"(},"status":{"phase":"Running","hostIP":"10.0.0.2",)" + R"("podIP":")" + address +
         R"(","podIPs":[{"ip":")" + address + R"("}]}})";
}

struct Rig {
  explicit Rig(const PodLookupOptions& options = {}) : lookup(http, metrics, options) {}
  void resolve(const std::string& address, SteadyTime now) {
    lookup.resolve(ip(address), now, [this](const Owner& owner) { answers.push_back(owner); });
  }
  std::uint64_t count(LookupResult result) const { return metrics.lookups[result].value(); }
  FakeHttp http;
  Metrics metrics;
  PodLookup lookup;
  std::vector<Owner> answers;
};

TEST(PodLookup, AsksOncePerAddressAndRemembers) {
  Rig rig;
  rig.resolve("10.1.0.9", kStart);
  rig.resolve("10.1.0.9", kStart);  // joins
  ASSERT_EQ(rig.http.size(), 1u);
  EXPECT_EQ(rig.http.last().path,
            "/api/v1/pods?resourceVersion=0&fieldSelector=status.podIP%3D10.1.0.9");
  EXPECT_TRUE(rig.answers.empty());
  rig.http.answer(pod_list(pod("web", "10.1.0.9")));
  ASSERT_EQ(rig.answers.size(), 2u);
  EXPECT_EQ(rig.answers[1].pod->name, "web");
  rig.resolve("10.1.0.9", kStart + seconds(299));
  EXPECT_EQ(rig.answers.size(), 3u);
  EXPECT_EQ(rig.http.size(), 1u);
  rig.resolve("10.1.0.9", kStart + seconds(301));
  EXPECT_EQ(rig.http.size(), 2u) << "the answer has grown old";
  EXPECT_EQ(rig.count(LookupResult::kFound), 1u);
  EXPECT_EQ(rig.count(LookupResult::kCached), 1u);
}

TEST(PodLookup, AHostNetworkAddressIsTheNodes) {
  Rig rig;
  rig.resolve("10.0.0.2", kStart);
  rig.http.answer(pod_list(pod("proxy", "10.0.0.2", true) + "," + pod("cni", "10.0.0.2", true)));
  ASSERT_EQ(rig.answers.size(), 1u);
  EXPECT_EQ(rig.answers[0].pod, nullptr);
  EXPECT_EQ(rig.answers[0].node, "node-2");
}

TEST(PodLookup, NobodysAddressIsRememberedForAShorterTime) {
  Rig rig;
  rig.resolve("192.0.2.1", kStart);
  rig.http.answer(pod_list(""));
  EXPECT_EQ(rig.count(LookupResult::kNotFound), 1u);
  rig.resolve("192.0.2.1", kStart + seconds(59));
  EXPECT_EQ(rig.http.size(), 1u);
  rig.resolve("192.0.2.1", kStart + seconds(61));
  EXPECT_EQ(rig.http.size(), 2u);
}

TEST(PodLookup, AnErrorAnswersEverybodyWithNothingKnown) {
  Rig rig;
  rig.resolve("10.1.0.9", kStart);
  rig.resolve("10.1.0.9", kStart);
  rig.http.answer(HttpResponse{.status = 0, .error = "timed out"});
  ASSERT_EQ(rig.answers.size(), 2u);
  EXPECT_EQ(rig.answers[0].pod, nullptr);
  EXPECT_EQ(rig.count(LookupResult::kError), 1u);
  rig.resolve("10.1.0.8", kStart);
  rig.http.answer(HttpResponse{.status = 200, .body = R"({"kind":"PodList","items":[{"metadata")"});
  EXPECT_EQ(rig.count(LookupResult::kError), 2u) << "a body cut short";
  rig.resolve("10.1.0.9", kStart + seconds(11));
  EXPECT_EQ(rig.http.open(), 1u) << "tried again soon";
}

TEST(PodLookup, TheBudgetBoundsWhatItAsks) {
  Rig rig({.limits = {.burst = 3, .refill = milliseconds(1000)}});
  for (int i = 1; i <= 10; ++i) rig.resolve("10.1.0." + std::to_string(i), kStart);
  EXPECT_EQ(rig.http.size(), 3u);
  EXPECT_EQ(rig.answers.size(), 7u) << "the others are told at once that nothing is known";
  EXPECT_EQ(rig.count(LookupResult::kOverBudget), 7u);
  rig.resolve("10.1.0.10", kStart + milliseconds(1500));
  rig.resolve("10.1.0.9", kStart + milliseconds(1500));
  EXPECT_EQ(rig.http.size(), 4u);
}

TEST(PodLookup, PaysForTheTimeThatAnAnswerTakes) {
  // After the burst and one answer that took 100 ms, which 5,000 times over is 500 s: at the moving
  // average of 30, 30, 30 and 500.
  Rig rig({.limits = {.burst = 1, .refill = milliseconds(30'000)}});
  rig.resolve("10.1.0.1", kStart);
  rig.http.answer(taking(milliseconds(100), pod_list("")));
  const auto due = kStart + milliseconds(147'500);
  rig.resolve("10.1.0.2", due - seconds(1));
  EXPECT_EQ(rig.http.size(), 1u);
  rig.resolve("10.1.0.2", due + milliseconds(1));
  ASSERT_EQ(rig.http.size(), 2u);
  rig.http.answer(taking(milliseconds(3), pod_list("")));
  rig.resolve("10.1.0.3", due + seconds(200));
  EXPECT_EQ(rig.http.size(), 3u) << "cheaper again";
}

TEST(PodLookup, ThePriceHasALimit) {
  Rig rig({.limits = {.burst = 1, .refill = milliseconds(600'000)}});
  rig.resolve("10.1.0.1", kStart);
  rig.http.answer(taking(std::chrono::hours(1), pod_list("")));
  rig.resolve("10.1.0.2", kStart + std::chrono::minutes(10));
  EXPECT_EQ(rig.http.size(), 2u);
}

TEST(PodLookup, ABusyServerIsLeftAloneAsLongAsItAsks) {
  Rig rig;
  rig.resolve("10.1.0.1", kStart);
  rig.http.answer(HttpResponse{.status = 429, .retry_after = milliseconds(20'500)});
  rig.resolve("10.1.0.2", kStart + seconds(20));
  EXPECT_EQ(rig.http.size(), 1u);
  EXPECT_EQ(rig.count(LookupResult::kPaused), 1u);
  rig.resolve("10.1.0.2", kStart + seconds(21));
  ASSERT_EQ(rig.http.size(), 2u);
  rig.http.answer(HttpResponse{.status = 503});
  rig.resolve("10.1.0.3", kStart + seconds(30));
  EXPECT_EQ(rig.http.size(), 2u) << "nobody said how long: ten seconds";
  rig.resolve("10.1.0.3", kStart + seconds(31));
  EXPECT_EQ(rig.http.size(), 3u);
}

TEST(PodLookup, OfTwoPausesTheLongerHoldsFromTheAnswerOn) {
  Rig rig;
  rig.resolve("10.1.0.1", kStart);
  rig.resolve("10.1.0.2", kStart);
  const auto busy = [](int seconds_to_wait) {
    return taking(seconds(2), HttpResponse{.status = 429, .retry_after = seconds(seconds_to_wait)});
  };
  rig.http.answer(busy(60));
  rig.http.answer(busy(1));
  rig.resolve("10.1.0.3", kStart + seconds(61));
  EXPECT_EQ(rig.http.size(), 2u);
  EXPECT_EQ(rig.count(LookupResult::kPaused), 1u);
  rig.resolve("10.1.0.3", kStart + seconds(62) + std::chrono::hours(1));  // and then by its price
  EXPECT_EQ(rig.http.size(), 3u);
}

TEST(PodLookup, ForgetsTheLongestUnusedAndNeverOneThatIsWaitedFor) {
  Rig rig({.limits = {.burst = 100, .capacity = 2}});
  rig.resolve("10.1.0.1", kStart);
  rig.resolve("10.1.0.2", kStart);
  rig.resolve("10.1.0.3", kStart);
  EXPECT_EQ(rig.http.size(), 2u) << "both places are waited for";
  EXPECT_EQ(rig.count(LookupResult::kOverBudget), 1u);
  rig.http.answer(pod_list(pod("a", "10.1.0.1")));
  rig.http.answer(pod_list(pod("b", "10.1.0.2")));
  rig.resolve("10.1.0.1", kStart);  // used again: 10.1.0.2 is the older one now
  rig.resolve("10.1.0.3", kStart);
  EXPECT_EQ(rig.lookup.size(), 2u);
  rig.resolve("10.1.0.1", kStart);
  EXPECT_EQ(rig.http.size(), 3u);
}

TEST(PodLookup, AServerThatForbidsItIsLeftAloneForAMinute) {
  Rig rig;
  rig.resolve("10.1.0.1", kStart);
  rig.http.answer(403, "");
  EXPECT_EQ(rig.count(LookupResult::kError), 1u);
  rig.resolve("10.1.0.2", kStart + seconds(59));
  EXPECT_EQ(rig.http.size(), 1u);
  EXPECT_EQ(rig.answers.size(), 2u);
  EXPECT_EQ(rig.count(LookupResult::kPaused), 1u);
  EXPECT_FALSE(rig.lookup.can_spare(ip("10.1.0.2"), kStart + seconds(59)));
  rig.resolve("10.1.0.2", kStart + seconds(60));
  EXPECT_EQ(rig.http.size(), 2u);
}

TEST(PodLookup, RecallsWithoutAsking) {
  Rig rig;
  EXPECT_FALSE(rig.lookup.recall(ip("10.1.0.9"), kStart).known());
  rig.resolve("10.1.0.9", kStart);
  EXPECT_FALSE(rig.lookup.recall(ip("10.1.0.9"), kStart).known()) << "no answer yet";
  rig.http.answer(pod_list(pod("web", "10.1.0.9")));
  EXPECT_EQ(rig.lookup.recall(ip("10.1.0.9"), kStart + seconds(299)).pod->name, "web");
  EXPECT_FALSE(rig.lookup.recall(ip("10.1.0.9"), kStart + seconds(301)).known());
  EXPECT_EQ(rig.http.size(), 1u);
}

TEST(PodLookup, DoesNotAskForWhatIsNobodys) {
  Rig rig;
  for (const char* address : {"0.0.0.0", "127.0.0.1", "::1", "224.0.0.1", "255.255.255.255"})
    rig.resolve(address, kStart);
  EXPECT_EQ(rig.http.size(), 0u);
  EXPECT_EQ(rig.answers.size(), 5u);
}

}  // namespace
}  // namespace kube_nflog
