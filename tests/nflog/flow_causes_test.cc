// SPDX-License-Identifier: Apache-2.0
#include "nflog/flow_causes.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>

namespace kube_nflog {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr SystemTime kNow{seconds(1'700'000'000)};
constexpr VerdictSite kSite{.group = 100};

std::string clause(DeniedAt at, const std::vector<std::string>& names) {
  return candidates_clause(at, std::vector<std::string_view>(names.begin(), names.end()));
}

TEST(CandidatesClause, NamesWhatMayHaveDenied) {
  EXPECT_EQ(clause(DeniedAt::kUnknown, {"shop/allow-443", "shop/allow-80"}),
            "denied by NetworkPolicy; candidates: shop/allow-443, shop/allow-80");
  EXPECT_EQ(clause(DeniedAt::kSender, {"lockdown/default-deny-egress"}),
            "egress denied by NetworkPolicy; candidates: lockdown/default-deny-egress");
}

// k3s' own, of case P1 of the captures; the namespace is payments-production-eu-west-1.
TEST(CandidatesClause, MarksNamesThatMayBeCut) {
  EXPECT_EQ(clause(DeniedAt::kUnknown, {"payments-production-eu-/allow-checkout-frontend",
                                        "payments-production-eu-west-1/deny"}),
            "denied by NetworkPolicy; candidates: payments-production-eu-/"
            "allow-checkout-frontend…, payments-production-eu-west-1/deny");
}

TEST(CandidatesClause, IsBounded) {
  const std::vector<std::string> names(7, std::string(23, 'n') + "/" + std::string(24, 'p'));
  const std::string text = clause(DeniedAt::kSender, names);
  EXPECT_TRUE(text.ends_with("p…, …"));
  EXPECT_LE(text.size(), 325u);
}

class FlowCausesTest : public ::testing::Test {
 protected:
  static DropKey flow(std::uint16_t port) {
    DropKey key;
    key.src = *IpAddr::parse("10.42.1.20");
    key.dst = *IpAddr::parse("10.42.0.10");
    key.protocol = 6;
    key.detail_kind = Detail::kPort;
    key.detail = port;
    return key;
  }
  std::string of(const DropKey& key, const std::vector<const Cause*>& policies,
                 SystemTime now = kNow, VerdictSite site = kSite) {
    const Cause* cause = flows.of(key, site, policies, now);
    if (cause == nullptr) return "";
    constexpr std::string_view kStart = "denied by NetworkPolicy; candidates: ";
    const std::size_t at = cause->clause.find(kStart);
    EXPECT_NE(at, std::string::npos) << cause->clause;
    return cause->clause.substr(at + kStart.size());
  }

  CauseTable causes;
  FlowCauses flows{causes, 16};
  Cause a{"ns/a"}, b{"ns/b"}, c{"ns/c"};
};

TEST_F(FlowCausesTest, WithoutHintsThereIsNoCause) {
  EXPECT_EQ(of(flow(80), {}), "");
  EXPECT_EQ(causes.size(), 0u);
}

TEST_F(FlowCausesTest, LaterVerdictsWithFewerHintsKeepTheCause) {
  EXPECT_EQ(of(flow(80), {&b, &a}), "ns/a, ns/b");
  EXPECT_EQ(of(flow(80), {}), "ns/a, ns/b");
  EXPECT_EQ(of(flow(80), {&b}), "ns/a, ns/b");
  EXPECT_EQ(of(flow(80), {&a, &b}), "ns/a, ns/b");
  EXPECT_EQ(of(flow(443), {}), "");  // another flow
  EXPECT_EQ(causes.size(), 1u);
}

TEST_F(FlowCausesTest, TheSameCauseHasTheSameAddress) {
  const std::vector<const Cause*> policies{&a};
  EXPECT_EQ(flows.of(flow(80), kSite, policies, kNow), flows.of(flow(81), kSite, policies, kNow));
}

TEST_F(FlowCausesTest, MoreHintsAddCandidates) {
  EXPECT_EQ(of(flow(80), {&b}), "ns/b");
  EXPECT_EQ(of(flow(80), {&a}), "ns/a, ns/b");
  EXPECT_EQ(of(flow(80), {&b}), "ns/a, ns/b");
}

TEST_F(FlowCausesTest, AnotherPodsPoliciesReplaceThoseOfTheOneThatHadTheAddress) {
  Cause other{"other/deny-all"};
  EXPECT_EQ(of(flow(80), {&a, &b}), "ns/a, ns/b");
  EXPECT_EQ(of(flow(80), {&other}), "other/deny-all");
  EXPECT_EQ(of(flow(80), {}), "other/deny-all");
  Cause cut{"payments-production-eu-/x"}, whole{"payments-production-eu-west-1/deny"};
  EXPECT_EQ(of(flow(81), {&cut}), cut.clause);
  EXPECT_EQ(of(flow(81), {&whole}), cut.clause + ", " + whole.clause) << "k3s cuts some, not all";
}

TEST_F(FlowCausesTest, VerdictsOfTheOtherChainAreNotExplainedByTheFirst) {
  constexpr VerdictSite second{.group = 100, .second_chain = true};
  EXPECT_EQ(of(flow(80), {&a}), "ns/a");
  EXPECT_EQ(of(flow(80), {}, kNow, second), "");
  EXPECT_EQ(of(flow(80), {&b}, kNow, second), "ns/b");
  EXPECT_EQ(of(flow(80), {}), "ns/a");
  EXPECT_EQ(of(flow(80), {}, kNow, {.group = 101}), "");
}

TEST_F(FlowCausesTest, APolicyThatHintsNoMoreIsForgotten) {
  EXPECT_EQ(of(flow(80), {&a, &b}), "ns/a, ns/b");
  SystemTime now = kNow;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(of(flow(80), {&b}, now += minutes(1)), "ns/a, ns/b");
  EXPECT_EQ(of(flow(80), {&b}, now += minutes(1)), "ns/b");  // `a` was deleted, ten minutes ago
  EXPECT_EQ(of(flow(80), {}, now += minutes(9)), "ns/b");    // silence alone proves nothing
  EXPECT_EQ(of(flow(80), {}, now += minutes(9)), "ns/b");
  EXPECT_EQ(of(flow(80), {&c}, now += minutes(1)), "ns/c");
}

TEST_F(FlowCausesTest, AFlowThatIsNotDeniedForLongIsForgotten) {
  EXPECT_EQ(of(flow(80), {&a}), "ns/a");
  EXPECT_EQ(of(flow(80), {}, kNow + minutes(11)), "");
}

TEST_F(FlowCausesTest, ManyCandidatesAreBoundedAndStable) {
  std::deque<Cause> many;
  std::vector<const Cause*> policies;
  policies.reserve(40);
  for (int i = 0; i < 40; ++i)
    policies.push_back(&many.emplace_back(Cause{"ns/p" + std::to_string(10 + i)}));
  const std::string first = of(flow(80), policies);
  EXPECT_EQ(first, "ns/p10, ns/p11, ns/p12, ns/p13, ns/p14, …");
  std::reverse(policies.begin(), policies.end());
  EXPECT_EQ(of(flow(80), policies), first);
  // All of them stale at once, and others in their place.
  EXPECT_EQ(of(flow(80), {&a}, kNow + minutes(9)), first);
  EXPECT_EQ(of(flow(80), {&a}, kNow + minutes(18)), "ns/a");
}

TEST_F(FlowCausesTest, WhenFullTheFlowDeniedLongestAgoGivesWay) {
  SystemTime now = kNow;
  for (std::uint16_t port = 1; port <= 1000; ++port) of(flow(port), {&a}, now += seconds(0));
  EXPECT_EQ(flows.evicted(), 1000u - 16u);
  std::size_t remembered = 0;
  for (std::uint16_t port = 1; port <= 1000; ++port) remembered += of(flow(port), {}, now) != "";
  EXPECT_EQ(remembered, 16u);
}

}  // namespace
}  // namespace kube_nflog
