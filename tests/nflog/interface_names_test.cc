// SPDX-License-Identifier: Apache-2.0
#include "nflog/interface_names.h"

#include <gtest/gtest.h>

#include <string>

namespace kube_nflog {
namespace {

Link link(std::uint32_t index, std::string_view name) {
  return {index, InterfaceName::parse(name).value_or(InterfaceName())};
}

std::string told(InterfaceNames& names, std::uint32_t in, std::uint32_t out) {
  const Interfaces* pair = names.of(in, out);
  if (pair == nullptr) return "nothing";
  return std::string(pair->in.view()) + '>' + std::string(pair->out.view());
}

TEST(InterfaceNames, APairHasOnePlace) {
  InterfaceNames names;
  names.learn(link(2, "eth0"));
  names.learn(link(3, "cali-a"));
  EXPECT_EQ(told(names, 2, 3), "eth0>cali-a");
  EXPECT_EQ(told(names, 3, 2), "cali-a>eth0");
  EXPECT_EQ(told(names, 2, 0), "eth0>");
  EXPECT_EQ(told(names, 2, 9), "eth0>");
  EXPECT_EQ(told(names, 0, 0), "nothing");
  EXPECT_EQ(told(names, 8, 9), "nothing");
  EXPECT_EQ(names.of(2, 3), names.of(2, 3));
  EXPECT_EQ(names.take_left_out(), 0u) << "what nobody knows is not left out";
}

TEST(InterfaceNames, FollowsARename) {
  InterfaceNames names;
  names.learn(link(2, "eth0"));
  const Interfaces* const before = names.of(2, 0);
  names.learn(link(2, "uplink"));
  EXPECT_EQ(told(names, 2, 0), "uplink>");
  EXPECT_EQ(before->in.view(), "eth0") << "what was handed out stays as it was";
  names.learn(link(2, "eth0"));
  EXPECT_EQ(names.of(2, 0), before);
}

TEST(InterfaceNames, AnIndexThatIsUsedAgainHasTheNewName) {
  InterfaceNames names;
  names.learn(link(7, "cali-old"));
  EXPECT_EQ(told(names, 7, 0), "cali-old>");
  names.learn(link(7, ""));
  EXPECT_EQ(told(names, 7, 0), "nothing");
  names.learn(link(7, "cali-new"));
  EXPECT_EQ(told(names, 7, 0), "cali-new>");
}

TEST(InterfaceNames, MoreInterfacesThanRoomStayNameless) {
  InterfaceNames names(2);
  names.learn(link(1, "lo"));
  names.learn(link(2, "eth0"));
  EXPECT_EQ(told(names, 3, 1), ">lo");
  EXPECT_EQ(names.take_left_out(), 0u);
  names.learn(link(3, "cali-a"));
  EXPECT_EQ(names.size(), 2u);
  EXPECT_EQ(told(names, 3, 1), ">lo");
  EXPECT_EQ(told(names, 3, 1), ">lo");
  EXPECT_EQ(told(names, 2, 1), "eth0>lo");
  EXPECT_EQ(names.take_left_out(), 2u) << "each packet is counted";
  EXPECT_EQ(names.take_left_out(), 0u);

  names.learn(link(2, "uplink"));
  EXPECT_EQ(told(names, 2, 1), "uplink>lo") << "a rename needs no room";
  names.learn(link(2, ""));
  names.learn(link(3, "cali-a"));
  EXPECT_EQ(told(names, 3, 1), "cali-a>lo");
}

TEST(InterfaceNames, MorePairsThanRoomAreToldWithoutNamesAndCounted) {
  InterfaceNames names(100, 2);
  for (std::uint32_t i = 1; i <= 3; ++i) names.learn(link(i, "cali-" + std::to_string(i)));
  EXPECT_EQ(told(names, 1, 2), "cali-1>cali-2");
  EXPECT_EQ(told(names, 2, 1), "cali-2>cali-1");
  EXPECT_EQ(told(names, 1, 3), "nothing");
  EXPECT_EQ(told(names, 1, 3), "nothing");
  EXPECT_EQ(told(names, 1, 2), "cali-1>cali-2");
  EXPECT_EQ(names.take_left_out(), 2u);
}

TEST(InterfaceNames, ManyPairsAskedInTurnAreAllRight) {
  InterfaceNames names;
  for (std::uint32_t i = 1; i <= 60; ++i) names.learn(link(i, "cali-" + std::to_string(i)));
  for (int round = 0; round < 2; ++round)
    for (std::uint32_t in = 1; in <= 60; ++in)
      for (std::uint32_t out = 1; out <= 60; ++out)
        ASSERT_EQ(told(names, in, out),
                  "cali-" + std::to_string(in) + ">cali-" + std::to_string(out));
}

TEST(InterfaceNames, ForgetsAll) {
  InterfaceNames names(1);
  names.learn(link(1, "lo"));
  names.learn(link(2, "eth0"));
  EXPECT_EQ(told(names, 1, 0), "lo>");
  names.forget_all();
  EXPECT_EQ(told(names, 1, 0), "nothing");
  EXPECT_EQ(names.take_left_out(), 0u);
  names.learn(link(2, "eth0"));
  EXPECT_EQ(told(names, 2, 0), "eth0>");
}

}  // namespace
}  // namespace kube_nflog
