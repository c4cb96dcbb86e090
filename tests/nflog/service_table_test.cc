// SPDX-License-Identifier: Apache-2.0
#include "nflog/service_table.h"

#include <gtest/gtest.h>

namespace kube_nflog {
namespace {

ServiceAddress address(const char* ip, std::uint16_t port) { return {*IpAddr::parse(ip), port}; }

TEST(ServiceTable, OneAddressHasOnePlace) {
  ServiceTable table;
  const ServiceAddress* first = table.intern(address("10.96.0.17", 5432));
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(*first, address("10.96.0.17", 5432));
  for (std::uint16_t port = 1; port < 2000; ++port) table.intern(address("10.96.0.18", port));
  EXPECT_EQ(table.intern(address("10.96.0.17", 5432)), first);
  EXPECT_NE(table.intern(address("10.96.0.17", 5433)), first);
  EXPECT_NE(table.intern(address("fd00::17", 5432)), first);
}

TEST(ServiceTable, WhenFullItKnowsWhatItKnewAndTakesNoMore) {
  ServiceTable table(2);
  const ServiceAddress* first = table.intern(address("10.96.0.17", 1));
  EXPECT_NE(table.intern(address("10.96.0.17", 2)), nullptr);
  EXPECT_EQ(table.intern(address("10.96.0.17", 3)), nullptr);
  EXPECT_EQ(table.intern(address("10.96.0.17", 1)), first);
  EXPECT_EQ(table.size(), 2u);
}

}  // namespace
}  // namespace kube_nflog
