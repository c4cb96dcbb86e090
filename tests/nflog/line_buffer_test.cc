// SPDX-License-Identifier: Apache-2.0
#include "nflog/line_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace kube_nflog {
namespace {

void put(LineBuffer& buffer, std::string_view text) {
  const std::span<char> room = buffer.room();
  ASSERT_GE(room.size(), text.size());
  std::copy(text.begin(), text.end(), room.begin());
  buffer.filled(text.size());
}

TEST(LineBuffer, HoldsAnUnfinishedLine) {
  LineBuffer buffer("#");
  EXPECT_EQ(buffer.next(), std::nullopt);
  put(buffer, "#one\n#tw");
  EXPECT_EQ(buffer.next(), "#one");
  EXPECT_EQ(buffer.next(), std::nullopt);
  EXPECT_EQ(buffer.held(), 3u);
  put(buffer, "o\n\nthree#");
  EXPECT_EQ(buffer.next(), "#two");
  EXPECT_EQ(buffer.next(), std::nullopt);
  buffer.end_line();
  EXPECT_EQ(buffer.next(), "three#");
  buffer.end_line();
  EXPECT_EQ(buffer.next(), std::nullopt);
  EXPECT_EQ(buffer.held(), 0u);
}

TEST(LineBuffer, GivesOnlyLinesWithTheMark) {
  LineBuffer buffer("=>");
  put(buffer, "no\n=>first\n\n=\n>\nlast=>\nno\n=");
  EXPECT_EQ(buffer.next(), "=>first");
  EXPECT_EQ(buffer.next(), "last=>");
  EXPECT_EQ(buffer.next(), std::nullopt);
  put(buffer, ">\n");
  EXPECT_EQ(buffer.next(), "=>");
  EXPECT_EQ(buffer.next(), std::nullopt);
}

TEST(LineBuffer, TakesDosLineEndsAndNuls) {
  LineBuffer buffer("#");
  put(buffer, std::string("#one\r\n\0\0\0#two\r\r\n\r\n\0\n#\0three\n", 28));
  EXPECT_EQ(buffer.next(), "#one");
  EXPECT_EQ(buffer.next(), "#two\r");
  EXPECT_EQ(buffer.next(), std::string_view("#\0three", 7));
  EXPECT_EQ(buffer.next(), std::nullopt);
}

TEST(LineBuffer, ALineTooLongIsSkippedAndCountedOnce) {
  LineBuffer buffer("#");
  const std::string longest(LineBuffer::kMaxLine, '#');
  put(buffer, longest + "\n" + longest + "y\n#next\n");
  EXPECT_EQ(buffer.next(), longest);
  EXPECT_EQ(buffer.next(), "#next");
  EXPECT_EQ(buffer.take_skipped(), 1u);
  EXPECT_EQ(buffer.take_skipped(), 0u);

  for (int i = 0; i < 5; ++i) {  // in pieces
    put(buffer, longest);
    EXPECT_EQ(buffer.next(), std::nullopt);
  }
  put(buffer, "end\n#next\n");
  EXPECT_EQ(buffer.next(), "#next");
  EXPECT_EQ(buffer.take_skipped(), 1u);
}

TEST(LineBuffer, ASkippedLineHasNoRest) {
  LineBuffer buffer("#");
  put(buffer, std::string(LineBuffer::kMaxLine + 1, '#'));
  EXPECT_EQ(buffer.next(), std::nullopt);
  put(buffer, "tail#");
  EXPECT_EQ(buffer.next(), std::nullopt);
  EXPECT_FALSE(buffer.has_begun_line());
  buffer.end_line();
  EXPECT_EQ(buffer.next(), std::nullopt);
  put(buffer, "#next\n");
  EXPECT_EQ(buffer.next(), "#next");
}

TEST(LineBuffer, ALineGivenUpIsCountedWhereItHasTheMark) {
  LineBuffer buffer("=>");
  put(buffer, "begun =");
  EXPECT_EQ(buffer.next(), std::nullopt);
  buffer.skip_line();
  EXPECT_EQ(buffer.take_skipped(), 0u);
  put(buffer, "> and ended\n=>next\nbegun");
  EXPECT_EQ(buffer.next(), "=>next");
  EXPECT_EQ(buffer.take_skipped(), 1u);
  EXPECT_EQ(buffer.next(), std::nullopt);
  buffer.skip_line();
  put(buffer, " and ended\n=>next\n");
  EXPECT_EQ(buffer.next(), "=>next");
  EXPECT_EQ(buffer.take_skipped(), 0u);
}

TEST(LineBuffer, AnyCuttingGivesTheSameLines) {
  std::mt19937 dice(5);
  std::string text, want;
  std::uint64_t too_long = 0;
  for (int i = 0; i < 2'000; ++i) {
    std::string line(dice() % 12 == 0 ? LineBuffer::kMaxLine - 2 + dice() % 5 : dice() % 300, 'a');
    const bool marked = dice() % 2 == 0;
    if (marked) line.insert(dice() % (line.size() + 1), "=>");
    text += line + "\n";
    if (!marked) continue;
    if (line.size() <= LineBuffer::kMaxLine)
      want += line + "\n";
    else
      ++too_long;
  }
  LineBuffer buffer("=>");
  std::string got;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t n =
        std::min<std::size_t>({dice() % 20'000, buffer.room().size(), text.size() - at});
    put(buffer, std::string_view(text).substr(at, n));
    at += n;
    while (const auto line = buffer.next()) (got += *line) += '\n';
  }
  EXPECT_EQ(got, want);
  EXPECT_EQ(buffer.take_skipped(), too_long);
  EXPECT_GT(too_long, 0u);
}

}  // namespace
}  // namespace kube_nflog
