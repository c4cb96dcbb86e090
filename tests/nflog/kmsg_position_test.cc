// SPDX-License-Identifier: Apache-2.0
#include "nflog/kmsg_position.h"

#include <gtest/gtest.h>

namespace kube_nflog {
namespace {

constexpr std::string_view kBoot = "6da2549d-b591-4676-81b5-4317e5a09503";
constexpr std::string_view kEarlierBoot = "00000000-b591-4676-81b5-4317e5a09503";

std::uint64_t start(const std::optional<std::string>& kept, std::uint64_t end = 100) {
  return kmsg_start(kept, kBoot, end).next;
}

TEST(KmsgPosition, WithoutOneReadingStartsAtTheEnd) {
  EXPECT_EQ(start(std::nullopt), 100u);
  EXPECT_EQ(kmsg_start(std::nullopt, kBoot, 100).from, "its end");
}

TEST(KmsgPosition, GoesOnWhereItWas) {
  EXPECT_EQ(start(kmsg_position(kBoot, 70)), 70u);
  EXPECT_EQ(start(kmsg_position(kBoot, 0)), 0u);
  EXPECT_EQ(start(kmsg_position(kBoot, 100)), 100u);
  EXPECT_EQ(kmsg_start(kmsg_position(kBoot, 70), kBoot, 100).from, "record 70, as kept");
  EXPECT_TRUE(kmsg_start(kmsg_position(kBoot, 70), kBoot, 100).resumed);
}

TEST(KmsgPosition, ANewBootIsReadWhole) {
  EXPECT_EQ(start(kmsg_position(kEarlierBoot, 70)), 0u);
  EXPECT_EQ(start(kmsg_position(kEarlierBoot, 7'000)), 0u);
  EXPECT_FALSE(kmsg_start(kmsg_position(kEarlierBoot, 70), kBoot, 100).resumed);
}

TEST(KmsgPosition, WhatCannotBeIsNotFollowed) {
  EXPECT_EQ(start(kmsg_position(kBoot, 101)), 100u) << "would wait for it, in silence";
  const std::string boot(kBoot);
  for (const std::string& kept : {std::string(), std::string(" "), boot, boot + " ", boot + " x",
                                  boot + " -1", boot + " 7 ", boot + " 18446744073709551616"}) {
    EXPECT_EQ(start(kept), 100u) << kept;
    EXPECT_NE(kmsg_start(kept, kBoot, 100).from.find("not one"), std::string::npos) << kept;
  }
}

}  // namespace
}  // namespace kube_nflog
