// SPDX-License-Identifier: Apache-2.0
#include "nflog/prefix_advice.h"

#include <gtest/gtest.h>

#include <cctype>
#include <random>

#include "nflog/verdict.h"

namespace kube_nflog {
namespace {

// The value of the flag that is advised; "(none)".
std::string advised(const std::string& prefix) {
  constexpr std::string_view kFlag = "--log-prefix=\"";
  const std::string text = prefix_advice(prefix);
  const std::size_t at = text.find(kFlag);
  if (at == std::string::npos) return "(none)";
  const std::size_t start = at + kFlag.size();
  return text.substr(start, text.find('"', start) - start);
}

TEST(PrefixAdvice, SaysWhatDoesNotCountAndWhichFlagMakesItCount) {
  EXPECT_EQ(prefix_advice("fw-web:"),
            "Log lines with the prefix \"fw-web:\" are not counted as drops. If they are drops, "
            "give --log-prefix=\"fw-web:\", and list there whatever other prefix means a drop.");
  EXPECT_EQ(prefix_advice(""),
            "Log lines without a prefix are not counted as drops. If they are drops, give their "
            "rules a prefix that says so, such as \"DROP: \".");
}

TEST(PrefixAdvice, SaysThatNothingHasWhatWasChosen) {
  EXPECT_EQ(chosen_advice("FW drop:", 5),
            "None of the first 5 lines of LOG rules has a prefix that --log-prefix or --log-word "
            "(IPTABLES_LOG_PREFIX) names; the last one's is \"FW drop:\". If they are drops, give "
            "--log-prefix=\"FW drop:\", and list there whatever other prefix means a drop.");
}

TEST(PrefixAdvice, WhatTheFlagOrTheShellWouldReadOtherwiseIsLeftToAStar) {
  EXPECT_EQ(advised("a,b"), "a*");
  EXPECT_EQ(advised("a*"), "a*");
  EXPECT_EQ(advised("a*b"), "a*");
  EXPECT_EQ(advised("say \"no\""), "say *");
  EXPECT_EQ(advised("cost$HOME"), "cost*");
  EXPECT_EQ(advised("a`b`"), "a*");
  EXPECT_EQ(advised("a\x1b[31m"), "a*");
  EXPECT_EQ(advised(",a"), "(none)");
}

// Any bytes: the line is printable and short, and the flag does what it promises.
TEST(PrefixAdvice, TheAdvisedFlagMakesThePrefixADrop) {
  std::mt19937 dice(5);
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    std::string prefix(dice() % 160, ' ');
    for (char& c : prefix) c = static_cast<char>(dice() % 4 == 0 ? dice() : 'a' + dice() % 26);
    while (!prefix.empty() && std::isspace(static_cast<unsigned char>(prefix.front())) != 0)
      prefix.erase(0, 1);
    while (!prefix.empty() && std::isspace(static_cast<unsigned char>(prefix.back())) != 0)
      prefix.pop_back();
    const std::string text = prefix_advice(prefix);
    for (const std::string& said : {text, chosen_advice(prefix, i)}) {
      ASSERT_LE(said.size(), 500u);
      for (const char c : said) ASSERT_TRUE(c >= ' ' && c <= '~') << said;
    }
    if (const std::string flag = advised(prefix); flag != "(none)") {
      ASSERT_EQ(read_prefix(prefix, PrefixOrigin::kLog, {.whole = {flag}}).ruling, Ruling::kDrop)
          << text;
    }
  }
}

}  // namespace
}  // namespace kube_nflog
