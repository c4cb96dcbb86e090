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
  LineBuffer buffer;
  EXPECT_EQ(buffer.next(), std::nullopt);
  put(buffer, "one\ntw");
  EXPECT_EQ(buffer.next(), "one");
  EXPECT_EQ(buffer.next(), std::nullopt);
  put(buffer, "o\n\nthree");
  EXPECT_EQ(buffer.next(), "two");
  EXPECT_EQ(buffer.next(), "");
  EXPECT_EQ(buffer.next(), std::nullopt);
  EXPECT_EQ(buffer.rest(), "three");
  EXPECT_EQ(buffer.rest(), std::nullopt);
}

TEST(LineBuffer, ALineTooLongIsSkippedAndCountedOnce) {
  LineBuffer buffer;
  const std::string longest(LineBuffer::kMaxLine, 'x');
  put(buffer, longest + "\n" + longest + "y\nnext\n");
  EXPECT_EQ(buffer.next(), longest);
  EXPECT_EQ(buffer.next(), "next");
  EXPECT_EQ(buffer.take_overlong(), 1u);
  EXPECT_EQ(buffer.take_overlong(), 0u);

  for (int i = 0; i < 5; ++i) {  // in pieces
    put(buffer, longest);
    EXPECT_EQ(buffer.next(), std::nullopt);
  }
  put(buffer, "end\nnext\n");
  EXPECT_EQ(buffer.next(), "next");
  EXPECT_EQ(buffer.take_overlong(), 1u);
}

TEST(LineBuffer, TheRestOfASkippedLineIsNoLine) {
  LineBuffer buffer;
  put(buffer, std::string(LineBuffer::kMaxLine + 1, 'x'));
  EXPECT_EQ(buffer.next(), std::nullopt);
  put(buffer, "tail");
  EXPECT_EQ(buffer.next(), std::nullopt);
  EXPECT_EQ(buffer.rest(), std::nullopt);
}

TEST(LineBuffer, AnyCuttingGivesTheSameLines) {
  std::mt19937 dice(5);
  std::string text, want;
  for (int i = 0; i < 2'000; ++i) {
    std::string line(dice() % 12 == 0 ? LineBuffer::kMaxLine - 2 + dice() % 5 : dice() % 300, 'a');
    text += line + "\n";
    if (line.size() <= LineBuffer::kMaxLine) want += line + "\n";
  }
  LineBuffer buffer;
  std::string got;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t n =
        std::min<std::size_t>({dice() % 20'000, buffer.room().size(), text.size() - at});
    put(buffer, std::string_view(text).substr(at, n));
    at += n;
    while (const auto line = buffer.next()) (got += *line) += '\n';
  }
  EXPECT_EQ(got, want);
  EXPECT_GT(buffer.take_overlong(), 0u);
}

}  // namespace
}  // namespace kube_nflog
