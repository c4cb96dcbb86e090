// SPDX-License-Identifier: Apache-2.0
#include "k8s/json_items.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace kube_nflog {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Cut {
  std::vector<std::string> items;
  std::string envelope;  // "" on error
  std::size_t oversized = 0;
};

Cut cut(std::string_view text, std::size_t piece = SIZE_MAX, JsonItemsLimits limits = {}) {
  Cut result;
  JsonItems reader([&](std::string_view item) { result.items.emplace_back(item); }, limits);
  for (std::size_t at = 0; at < text.size(); at += std::min(piece, text.size() - at)) {
    if (!reader.feed(text.substr(at, piece))) return result;
  }
  if (const auto envelope = reader.finish()) result.envelope = *envelope;
  result.oversized = reader.oversized();
  return result;
}

constexpr std::string_view kList =
    R"({"kind":"PodList","metadata":{"items":[{"no":1}],"x":"\"items\":["} , "items" : )"
    R"([ {"a":"]}\\\""} ,{"b":[{"items":[{}]}]}, {}],"tail":"\\"})";

TEST(JsonItems, CutsTheTopLevelItemsWhereverThePiecesEnd) {
  for (std::size_t piece = 1; piece <= kList.size(); ++piece) {
    const Cut result = cut(kList, piece);
    EXPECT_THAT(result.items, ElementsAre(R"({"a":"]}\\\""})", R"({"b":[{"items":[{}]}]})", "{}"));
    EXPECT_EQ(result.envelope,
              R"({"kind":"PodList","metadata":{"items":[{"no":1}],"x":"\"items\":["} , "items" : )"
              R"([],"tail":"\\"})");
  }
}

TEST(JsonItems, OnlyTheMemberNamedItemsIsTheList) {
  for (const char* text : {R"({"xitems":[{}]})", R"({"\"items":[{}]})", R"({"a":["items",[{}]]})",
                           R"({"a":{"items":[{}]}})", R"([{"items":[{}]}])"}) {
    EXPECT_THAT(cut(text).items, IsEmpty()) << text;
    EXPECT_EQ(cut(text).envelope, text);
  }
}

TEST(JsonItems, ACutDocumentIsAnError) {
  for (std::size_t length = 0; length < kList.size(); ++length) {
    EXPECT_EQ(cut(kList.substr(0, length)).envelope, "") << length;
  }
}

TEST(JsonItems, ItemsThatAreNotObjectsAreAnError) {
  EXPECT_EQ(cut(R"({"items":[1]})").envelope, "");
  EXPECT_EQ(cut(R"({"items":["a"]})").envelope, "");
  EXPECT_EQ(cut(R"({"items":[[{}]]})").envelope, "");
}

TEST(JsonItems, OversizedItemsAreLeftOutAndCounted) {
  const std::string big = "{\"x\":\"" + std::string(100, 'y') + "\"}";
  const std::string text = "{\"items\":[{\"a\":1}," + big + ",{\"b\":2}]}";
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, text.size()}) {
    const Cut result = cut(text, piece, {.item = 100});
    EXPECT_THAT(result.items, ElementsAre("{\"a\":1}", "{\"b\":2}"));
    EXPECT_EQ(result.oversized, 1U);
    EXPECT_NE(result.envelope, "");
  }
}

TEST(JsonItems, AnEndlessEnvelopeIsRefused) {
  EXPECT_EQ(cut("{\"a\":\"" + std::string(1'000, 'x') + "\"}", 10, {.envelope = 500}).envelope, "");
}

}  // namespace
}  // namespace kube_nflog
