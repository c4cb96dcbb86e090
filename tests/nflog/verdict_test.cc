// SPDX-License-Identifier: Apache-2.0
#include "nflog/verdict.h"

#include <gtest/gtest.h>

namespace kube_nflog {
namespace {

const std::vector<std::string> kNone;

Ruling in_group(std::string_view prefix) {
  return rule_on(prefix, PrefixOrigin::kNflogGroup, kNone);
}
Ruling in_log(std::string_view prefix, const std::vector<std::string>& chosen = kNone) {
  return rule_on(prefix, PrefixOrigin::kLog, chosen);
}

TEST(Verdict, OnAGroupEverythingButAHintIsADrop) {
  EXPECT_EQ(in_group(""), Ruling::kDrop);
  EXPECT_EQ(in_group("my-rule: "), Ruling::kDrop);
  EXPECT_EQ(in_group("DROP by policy shop/allow-80"), Ruling::kHint);
  EXPECT_EQ(in_group("DROP by my rule"), Ruling::kDrop);
}

TEST(Verdict, InALogThePrefixMustSayDropped) {
  for (const char* prefix : {"[UFW BLOCK] ", "FINAL_REJECT: ", "filter_FWD_public_DROP: ",
                             "fw denied:", "Deny-All ", "Antrea:I:Drop:", "packet dropped "}) {
    EXPECT_EQ(in_log(prefix), Ruling::kDrop) << prefix;
  }
  for (const char* prefix : {"", "calico-packet: ", "[UFW ALLOW] ", "[UFW AUDIT] ", "dro p"}) {
    EXPECT_EQ(in_log(prefix), Ruling::kUnknown) << prefix;
  }
}

TEST(Verdict, InALogChosenPrefixesDecideAlone) {
  const std::vector<std::string> chosen{"calico-packet:", "two words"};
  EXPECT_EQ(in_log("calico-packet: ", chosen), Ruling::kDrop);
  EXPECT_EQ(in_log(" two words", chosen), Ruling::kDrop);
  EXPECT_EQ(in_log("calico-packet: x", chosen), Ruling::kUnknown);  // the whole prefix
  EXPECT_EQ(in_log("FINAL_REJECT: ", chosen), Ruling::kUnknown);
  EXPECT_EQ(in_log("", chosen), Ruling::kUnknown);
}

// k3s' records reach a log by way of ulogd; there too they are no verdict.
TEST(Verdict, AHintInALogIsAHintUnlessChosen) {
  EXPECT_EQ(in_log("DROP by policy a/b"), Ruling::kHint);
  EXPECT_EQ(in_log("DROP by policy a/b", {"DROP by policy a/b"}), Ruling::kDrop);
}

TEST(Verdict, AClauseIsPrintableQuotedAndBounded) {
  EXPECT_EQ(clause_of(""), "");
  EXPECT_EQ(clause_of("   "), "");
  EXPECT_EQ(clause_of(" my-rule: "), "by rule \"my-rule:\"");
  EXPECT_EQ(clause_of("a\"b"), "by rule \"a'b\"");
  EXPECT_EQ(clause_of("a\x1b[31m\nb\x7f"), "by rule \"a?[31m?b?\"");
  EXPECT_EQ(clause_of("\xff\xfe\xe2\x98\x83x"), "by rule \"?????x\"");
  EXPECT_EQ(clause_of(std::string(1000, 'x')), "by rule \"" + std::string(127, 'x') + "\"");
}

TEST(Verdicts, EqualPrefixesHaveOneCause) {
  CauseTable causes;
  Verdicts verdicts(PrefixOrigin::kNflogGroup, {}, causes);
  EXPECT_EQ(verdicts.of("").cause, nullptr);
  const Verdict first = verdicts.of("my-rule");
  ASSERT_NE(first.cause, nullptr);
  EXPECT_EQ(first.cause->clause, "by rule \"my-rule\"");
  EXPECT_EQ(verdicts.of(std::string("my-rule")).cause, first.cause);
  EXPECT_EQ(verdicts.of("DROP by policy a/b").cause, nullptr);
  EXPECT_EQ(verdicts.size(), 3u);
}

TEST(Verdicts, ChosenPrefixesAreTrimmed) {
  CauseTable causes;
  Verdicts verdicts(PrefixOrigin::kLog, {" calico-packet: "}, causes);
  EXPECT_EQ(verdicts.of("calico-packet: ").ruling, Ruling::kDrop);
}

TEST(Verdicts, WhenFullStillJudgesButNamesNoRule) {
  CauseTable causes;
  Verdicts verdicts(PrefixOrigin::kNflogGroup, {}, causes, 2);
  verdicts.of("a");
  verdicts.of("b");
  const Verdict third = verdicts.of("c");
  EXPECT_EQ(third.ruling, Ruling::kDrop);
  EXPECT_EQ(third.cause->clause, CauseTable::kOverflow);
  EXPECT_EQ(verdicts.of("DROP by policy a/b").ruling, Ruling::kHint);
  EXPECT_EQ(verdicts.size(), 2u);
  EXPECT_EQ(verdicts.beyond_capacity(), 2u);
  EXPECT_EQ(verdicts.of("a").cause->clause, "by rule \"a\"");
}

}  // namespace
}  // namespace kube_nflog
