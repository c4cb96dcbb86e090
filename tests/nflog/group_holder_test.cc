// SPDX-License-Identifier: Apache-2.0
#include "nflog/group_holder.h"

#include <gtest/gtest.h>

namespace kube_nflog {
namespace {

constexpr char kGroups[] =
    "    1   7617     0 2 65531    100  1\n"
    "  100 3289552864     0 2 65531    100  1\n";

TEST(GroupHolder, FindsThePortThatHoldsAGroup) {
  EXPECT_EQ(holder_port(kGroups, 1), 7617u);
  EXPECT_EQ(holder_port(kGroups, 100), 3289552864u);
  EXPECT_EQ(holder_port(kGroups, 7617), std::nullopt);
  EXPECT_EQ(holder_port("", 1), std::nullopt);
}

constexpr char kSockets[] =
    "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n"
    "00000000aa1f2d53 0   7617       00000000 0        0        0     2        0        111\n"
    "0000000088e1a5c1 12  7617       00000000 0        0        0     2        3        222\n"
    "0000000088e1a5c2 12  3289552864 00000000 0        0        0     2        0        333\n";

TEST(GroupHolder, FindsTheNetfilterSocketOfAPort) {
  EXPECT_EQ(netfilter_socket_inode(kSockets, 7617), 222u);
  EXPECT_EQ(netfilter_socket_inode(kSockets, 3289552864), 333u);
  EXPECT_EQ(netfilter_socket_inode(kSockets, 1), std::nullopt);
}

TEST(GroupHolder, OddTablesAreNoMatch) {
  for (const char* table : {"\n\n", "100", "100 x", "   ", "99999999999 1", "100 99999999999"}) {
    EXPECT_EQ(holder_port(table, 100), std::nullopt) << table;
    EXPECT_EQ(netfilter_socket_inode(table, 100), std::nullopt) << table;
  }
}

}  // namespace
}  // namespace kube_nflog
