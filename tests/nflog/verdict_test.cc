// SPDX-License-Identifier: Apache-2.0
#include "nflog/verdict.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace kube_nflog {
namespace {

const ChosenPrefixes kNone;

Ruling in_group(std::string_view prefix) {
  return read_prefix(prefix, PrefixOrigin::kNflogGroup, kNone).ruling;
}
Ruling in_log(std::string_view prefix, const std::vector<std::string>& chosen = {}) {
  return read_prefix(prefix, PrefixOrigin::kLog, {.whole = chosen}).ruling;
}
// The clause of a drop, the policy of a hint.
std::string clause_of(std::string_view prefix) {
  return read_prefix(prefix, PrefixOrigin::kNflogGroup, kNone).clause.text();
}
std::string clause_in_log(std::string_view prefix, const std::vector<std::string>& chosen) {
  return read_prefix(prefix, PrefixOrigin::kLog, {.whole = chosen}).clause.text();
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
  for (const char* prefix : {"", "calico-packet: ", "[UFW ALLOW] ", "[UFW AUDIT] ", "dro p",
                             "calico-packet shop/default-deny: ", "calico-packet: allow-dropbox"}) {
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

TEST(Verdict, InALogTheChosenWordIsOneOfThePrefixOrAllOfIt) {
  const auto ruling = [](std::string_view prefix, const std::string& word) {
    return read_prefix(prefix, PrefixOrigin::kLog, {.word = word}).ruling;
  };
  for (const char* prefix : {"DROP:", "DROP: ", "FW DROP: ", "DROP: FW", "a \t DROP: b"})
    EXPECT_EQ(ruling(prefix, "DROP:"), Ruling::kDrop) << prefix;
  for (const char* prefix : {"", "DROP", "DROP:FW", "FWDROP:", "drop:", "drop:shop/x"})
    EXPECT_EQ(ruling(prefix, "DROP:"), Ruling::kUnknown) << prefix;
  EXPECT_EQ(ruling("FW DROP: ", "FW DROP:"), Ruling::kDrop) << "all of it";
  EXPECT_EQ(ruling("my FW DROP: ", "FW DROP:"), Ruling::kUnknown);
  EXPECT_EQ(ruling("a,b ", "a,b"), Ruling::kDrop) << "neither comma nor star is special";
  EXPECT_EQ(ruling("fw-web ", "fw-*"), Ruling::kUnknown);
  EXPECT_EQ(ruling("fw-* x", "fw-*"), Ruling::kDrop);
  EXPECT_EQ(ruling("calico-packet: x", "calico-packet:"), Ruling::kDrop);
}

// k3s' records reach a log by way of ulogd; there too they are no verdict.
TEST(Verdict, AHintInALogIsAHintUnlessChosen) {
  EXPECT_EQ(in_log("DROP by policy a/b"), Ruling::kHint);
  EXPECT_EQ(in_log("DROP by policy a/b", {"DROP by policy a/b"}), Ruling::kDrop);
}

TEST(Verdict, AStarStandsForAnyRestButWhatIsKnownToBeNoDrop) {
  const std::vector<std::string> chosen{"fw-*", "DROP*", "exact"};
  EXPECT_EQ(in_log("fw-: ", chosen), Ruling::kDrop);
  EXPECT_EQ(in_log("fw-web: ", chosen), Ruling::kDrop);
  EXPECT_EQ(in_log("fw", chosen), Ruling::kUnknown);
  EXPECT_EQ(in_log("exactly", chosen), Ruling::kUnknown);
  EXPECT_EQ(in_log("drop:shop/x", chosen), Ruling::kUnknown);  // chosen prefixes decide alone
  EXPECT_EQ(in_log("DROP by policy a/b", chosen), Ruling::kHint);
  EXPECT_EQ(in_log("anything", {"*"}), Ruling::kDrop);
  EXPECT_EQ(in_log("API0|np/a/b", {"*"}), Ruling::kAllow);
  EXPECT_EQ(in_log("API0|np/a/b", {"API0|np/a/b"}), Ruling::kDrop);
}

TEST(Verdict, AHintNamesItsPolicy) {
  EXPECT_EQ(clause_of("DROP by policy shop/allow-80"), "shop/allow-80");
  EXPECT_EQ(clause_of("DROP by policy shop/allow.v2-"), "shop/allow.v2-");  // as k3s may cut it
  for (const char* prefix :
       {"DROP by policy", "DROP by policy ", "DROP by policy shop", "DROP by policy shop/",
        "DROP by policy /x", "DROP by policy a/b/c", "DROP by policy Shop/x",
        "DROP by policy shop/x y", "DROP by policy shop/\x1b[31m"}) {
    EXPECT_EQ(in_group(prefix), Ruling::kHint) << prefix;
    EXPECT_EQ(clause_of(prefix), "") << prefix;
  }
}

TEST(Verdict, YourOwnRulesMayNameThePolicy) {
  for (const char* prefix :
       {"drop:shop/default-deny", "drop:shop/default-deny: ", " drop:shop/default-deny "}) {
    EXPECT_EQ(in_group(prefix), Ruling::kDrop);
    EXPECT_EQ(in_log(prefix), Ruling::kDrop);
    EXPECT_EQ(clause_of(prefix), "denied by NetworkPolicy shop/default-deny") << prefix;
  }
  for (const char* prefix : {"drop:", "drop:shop", "drop:shop/", "drop:/x", "drop:Shop/x",
                             "drop:a b/c", "drop: shop/x", "drop:a/b/c", "Drop:shop/x"}) {
    EXPECT_TRUE(clause_of(prefix).starts_with("by rule \"")) << prefix;
  }
}

// 29 characters of iptables' LOG, 63 of legacy NFLOG, 127 of iptables-nft's: the tools cut
// silently.
TEST(Verdict, ANameThatTheToolsMayHaveCutIsToldAsItsBeginning) {
  const auto of_length = [](std::size_t length) {
    return "drop:shop/" + std::string(length - 10, 'x');
  };
  const auto told = [](const std::string& prefix) {
    return "denied by NetworkPolicy " + prefix.substr(5);
  };
  for (const std::size_t length : {28u, 29u, 30u, 62u, 63u, 64u, 126u, 127u}) {
    const std::string prefix = of_length(length);
    const bool group = length == 63 || length == 127;
    EXPECT_EQ(clause_of(prefix), told(prefix) + (group ? "…" : "")) << length;
    EXPECT_EQ(clause_in_log(prefix, {}), told(prefix) + (length == 29 ? "…" : "")) << length;
  }
  EXPECT_EQ(clause_in_log(of_length(140), {}), told(of_length(127)) + "…") << "cut by ourselves";
  const std::string cut = of_length(62);
  for (const char* end : {"-", "."})  // in the middle of a name
    EXPECT_EQ(clause_of(cut + end), told(cut) + end + "…");
  for (const char* end : {":", " "})  // behind it
    EXPECT_EQ(clause_of(cut + end), told(cut));
  EXPECT_EQ(clause_of("drop:" + std::string(58, 'x')),
            "by rule \"drop:" + std::string(58, 'x') + '"');
  EXPECT_EQ(clause_of("drop:" + std::string(57, 'x') + "/"),
            "by rule \"drop:" + std::string(57, 'x') + "/\"");
  EXPECT_EQ(in_log(of_length(29)), Ruling::kDrop);
}

TEST(Verdict, CalicosLogRulesAreNotSaidToDeny) {
  EXPECT_EQ(in_group("calico-packet: "), Ruling::kDrop);
  EXPECT_EQ(in_log("calico-packet: "), Ruling::kUnknown);
  EXPECT_EQ(clause_of("calico-packet: "), "logged by rule \"calico-packet\"");
  EXPECT_EQ(clause_in_log("calico-packet: ", {"calico-packet:"}),
            "logged by rule \"calico-packet\"");
  EXPECT_EQ(clause_in_log("calico-packet default np: ", {"calico-packet*"}),
            "logged by rule \"calico-packet default np\"");
}

TEST(Verdict, CalicosFlowLogsAreOneOfTheDialects) {
  EXPECT_EQ(in_group("API0|np/shop/allow-80"), Ruling::kAllow);
  EXPECT_EQ(in_group("PPI|default"), Ruling::kAllow);
  EXPECT_EQ(in_group("DPI|default"), Ruling::kDrop);
  EXPECT_EQ(in_log("DPI|default"), Ruling::kDrop);
  EXPECT_EQ(clause_of("DPI0|np/shop/deny"), "ingress denied by NetworkPolicy shop/deny");
}

// Any bytes: the text stays printable and bounded, so that it may go into an Event.
TEST(Verdict, AnyPrefixReadsAsBoundedPrintableText) {
  std::mt19937 dice(7);
  const std::array<std::string, 6> seeds{"DROP by policy shop/allow-80",
                                         "drop:shop/default-deny:",
                                         "calico-packet: ",
                                         "DPI0|np/shop/deny",
                                         "DRI",
                                         "DPI0|gnp/t_" + std::string(41, 'x') + "_0123456789"};
  for (int i = 0; i < 200'000; ++i) {
    std::string prefix = seeds[dice() % seeds.size()];
    for (unsigned n = dice() % 4; n > 0; --n)
      prefix[dice() % prefix.size()] = static_cast<char>(dice());
    prefix.resize(dice() % (prefix.size() + 2));
    const Reading reading = read_prefix(prefix, PrefixOrigin::kNflogGroup, kNone);
    EXPECT_NE(reading.ruling, Ruling::kUnknown);
    const std::string text = reading.clause.text();
    ASSERT_LE(text.size(), 200u);
    for (std::size_t at = 0; at < text.size(); ++at) {
      if (text.compare(at, 3, "…") == 0) {
        at += 2;
      } else {
        ASSERT_TRUE(text[at] >= ' ' && text[at] <= '~') << text;
      }
    }
  }
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
  const Verdict hint = verdicts.of("DROP by policy a/b");
  ASSERT_NE(hint.cause, nullptr);
  EXPECT_EQ(hint.cause->clause, "a/b");
  EXPECT_EQ(verdicts.of("DROP by policy").cause, nullptr);
  EXPECT_EQ(verdicts.of("API0|np/a/b").cause, nullptr);
  EXPECT_EQ(verdicts.size(), 5u);
}

TEST(Verdicts, ChosenPrefixesAreTrimmed) {
  CauseTable causes;
  Verdicts verdicts(PrefixOrigin::kLog, {.whole = {" calico-packet: "}, .word = " FW: "}, causes);
  EXPECT_EQ(verdicts.of("calico-packet: ").ruling, Ruling::kDrop);
  EXPECT_EQ(verdicts.of("my FW: x").ruling, Ruling::kDrop);
}

TEST(Verdicts, WhenFullStillJudgesButNamesNoRule) {
  CauseTable causes;
  Verdicts verdicts(PrefixOrigin::kNflogGroup, {}, causes, 2);
  verdicts.of("a");
  verdicts.of("b");
  const Verdict third = verdicts.of("c");
  EXPECT_EQ(third.ruling, Ruling::kDrop);
  EXPECT_EQ(third.cause->clause, CauseTable::kOverflow);
  const Verdict hint = verdicts.of("DROP by policy a/b");
  EXPECT_EQ(hint.ruling, Ruling::kHint);
  EXPECT_EQ(hint.cause, nullptr);  // no innocent is named for want of room
  EXPECT_EQ(verdicts.size(), 2u);
  EXPECT_EQ(verdicts.beyond_capacity(), 2u);
  EXPECT_EQ(verdicts.of("a").cause->clause, "by rule \"a\"");
}

TEST(Verdicts, AHintBeyondTheCausesNamesNoPolicy) {
  CauseTable causes(1);
  Verdicts verdicts(PrefixOrigin::kNflogGroup, {}, causes);
  EXPECT_NE(verdicts.of("DROP by policy a/b").cause, nullptr);
  EXPECT_EQ(verdicts.of("DROP by policy a/c").cause, nullptr);
  EXPECT_EQ(verdicts.of("a-rule").cause->clause, CauseTable::kOverflow);
}

}  // namespace
}  // namespace kube_nflog
