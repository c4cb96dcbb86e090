// SPDX-License-Identifier: Apache-2.0
#include "core/printable.h"

#include <gtest/gtest.h>

#include <random>

namespace kube_nflog {
namespace {

TEST(Printable, KeepsGoodText) {
  EXPECT_EQ(printable("DROP by policy shop/übergröße 漢字 🙂", 100),
            "DROP by policy shop/übergröße 漢字 🙂");
  EXPECT_EQ(printable("", 10), "");
}

TEST(Printable, ReplacesWhatActsOrIsBroken) {
  EXPECT_EQ(printable("a\tb\r\n\x1b[0m\x7f", 100), "a?b???[0m?");
  EXPECT_EQ(printable("\xc2\x85", 100), "?");  // C1
  // Right-to-left override.
  EXPECT_EQ(printable("\xe2\x80\xae", 100), "?");         // NOLINT(misc-misleading-bidirectional)
  EXPECT_EQ(printable("\xc0\xaf", 100), "??");            // overlong
  EXPECT_EQ(printable("\xed\xa0\x80", 100), "???");       // surrogate
  EXPECT_EQ(printable("\xf4\x90\x80\x80", 100), "????");  // above U+10FFFF
  EXPECT_EQ(printable("ab\xe2\x82", 100), "ab??");        // cut short
  EXPECT_EQ(printable(std::string_view("a\0b", 3), 100), "a?b");
}

TEST(Printable, CutsBetweenCharacters) {
  EXPECT_EQ(printable("123456", 6), "123456");
  EXPECT_EQ(printable("1234567", 6), "123…");
  EXPECT_EQ(printable("12漢字", 7), "12…");  // 漢 would leave no room for the ellipsis
  EXPECT_EQ(printable("12漢字", 8), "12漢字");
  EXPECT_EQ(printable("1234", 3), "…");
}

// Whatever comes in: what comes out fits, and is its own printable form.
TEST(Printable, RandomBytes) {
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string text(random() % 40, '\0');
    for (char& c : text) c = static_cast<char>(random() % 2 ? random() : 0x80 | random() % 0x80);
    const std::size_t limit = 3 + random() % 40;
    const std::string once = printable(text, limit);
    ASSERT_LE(once.size(), limit);
    ASSERT_EQ(printable(once, limit), once);
  }
}

}  // namespace
}  // namespace kube_nflog
