// SPDX-License-Identifier: Apache-2.0
#include "k8s/names.h"

#include <gtest/gtest.h>

namespace kube_nflog {
namespace {

TEST(Names, TakesWhatTheApiServerTakes) {
  EXPECT_TRUE(is_dns_label("shop"));
  EXPECT_TRUE(is_dns_label(std::string(63, 'a')));
  EXPECT_TRUE(is_dns_subdomain("checkout-5d9c7b6f48-x2x7k"));
  EXPECT_TRUE(is_dns_subdomain("ip-10-0-0-1.eu-west-1.compute.internal"));
  EXPECT_TRUE(is_label_value("v1.2_rc-3"));
  EXPECT_TRUE(is_uid("b8a1f3f0-0c53-4f8e-9a29-1f6c3f1d0001"));
}

TEST(Names, RefusesWhatCouldLeaveAPathOrAMessage) {
  for (const char* bad :
       {"", "-a", "a-", "a/b", "../x", "a b", "A", "a%2f", "a\n", "a.b?x", "\xc3\xa4"}) {
    EXPECT_FALSE(is_dns_label(bad)) << bad;
    EXPECT_FALSE(is_dns_subdomain(bad)) << bad;
  }
  for (const char* bad : {"a..b", ".a", "a."}) EXPECT_FALSE(is_dns_subdomain(bad)) << bad;
  EXPECT_FALSE(is_dns_label("a.b"));
  EXPECT_FALSE(is_dns_label(std::string(64, 'a')));
  EXPECT_FALSE(is_dns_subdomain(std::string(254, 'a')));
  for (const char* bad : {"", "_a", "a.", "a b", "a\"b"}) EXPECT_FALSE(is_label_value(bad)) << bad;
  for (const char* bad : {"", "a/b", "a b"}) EXPECT_FALSE(is_uid(bad)) << bad;
  EXPECT_FALSE(is_uid(std::string(129, 'a')));
}

TEST(Names, PercentEncodes) {
  EXPECT_EQ(percent_encode("spec.nodeName=a,b"), "spec.nodeName%3Da%2Cb");
  EXPECT_EQ(percent_encode("2001:db8::1"), "2001%3Adb8%3A%3A1");
  EXPECT_EQ(percent_encode("\xff&\n"), "%FF%26%0A");
}

}  // namespace
}  // namespace kube_nflog
