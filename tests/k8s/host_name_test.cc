// SPDX-License-Identifier: Apache-2.0
#include "k8s/host_name.h"

#include <gtest/gtest.h>

#include "tests/k8s/make.h"

namespace kube_nflog {
namespace {

TEST(HostName, CleansWhatMayBeTold) {
  EXPECT_EQ(clean_host_name("api.example.com."), "api.example.com");
  EXPECT_EQ(clean_host_name("API.Example.COM"), "api.example.com");
  EXPECT_EQ(clean_host_name("ec2-3-4-5-6.compute-1.amazonaws.com."),
            "ec2-3-4-5-6.compute-1.amazonaws.com");
  EXPECT_EQ(clean_host_name("_http._tcp.x_y.example.com."), "_http._tcp.x_y.example.com");
  EXPECT_EQ(clean_host_name("xn--mller-kva.example."), "xn--mller-kva.example");
  EXPECT_EQ(clean_host_name(std::string(63, 'a') + ".de"), std::string(63, 'a') + ".de");
}

TEST(HostName, RefusesTextThatIsMeantForSomethingElse) {
  for (const char* bad :
       {"", ".", "..", "a..b.c", ".a.b", "a b.example.com", "a\n.example.com", "-a.example.com",
        "a-.example.com", "a\\032b.example.com", "evil\033[31m.example.com", "<b>.example.com",
        "x:443.example.com", "\xc3\xa4.example.com", "a.example.com..", "shop/web.example.com"}) {
    EXPECT_EQ(clean_host_name(bad), "") << bad;
  }
  EXPECT_EQ(clean_host_name("10.0.0.1."), "") << "an address is no name";
  EXPECT_EQ(clean_host_name("a.example.7"), "");
  EXPECT_EQ(clean_host_name("node-1."), "") << "could be any node's";
  EXPECT_EQ(clean_host_name(std::string(64, 'a') + ".de"), "");
  std::string longest = "de";
  while (longest.size() + 64 <= 253) longest.insert(0, std::string(63, 'a') + '.');
  EXPECT_NE(clean_host_name(longest), "");
  EXPECT_EQ(clean_host_name(std::string(253 - longest.size(), 'b') + '.' + longest), "");
}

TEST(HostName, KnowsTheServicesOfACluster) {
  const ServiceName service = service_of_host("ledger-db.payments.svc.cluster.local");
  EXPECT_EQ(service.ns, "payments");
  EXPECT_EQ(service.name, "ledger-db");
  EXPECT_TRUE(is_service_host("ledger-db.payments.svc.k8s.example.com"));
  const ServiceName of_endpoint = service_of_host("web-0.web.shop.svc.cluster.local");
  EXPECT_EQ(of_endpoint.ns, "shop");
  EXPECT_EQ(of_endpoint.name, "web");
  EXPECT_FALSE(is_service_host("web-0.web.shop.svc.cluster.local"));
  EXPECT_EQ(service_of_host("10-1-2-3.svc.ns.svc.cluster.local").name, "svc");
  for (const char* other : {"api.example.com", "svc.example.com", "a.svc.example.com", "a.b",
                            "a_b.ns.svc.cluster.local", "a.b.c.d.svc.cluster.local", ""}) {
    EXPECT_TRUE(service_of_host(other).empty()) << other;
    EXPECT_FALSE(is_service_host(other)) << other;
  }
}

TEST(HostName, AStrangersAddressIsNotBelievedToBeAServices) {
  const auto believable = [](const char* host, const char* ip) {
    return is_believable(host, make::ip(ip));
  };
  for (const char* ours : {"10.96.0.17", "172.16.0.1", "172.31.9.9", "192.168.1.1", "100.64.0.1",
                           "169.254.20.10", "fd00:10:96::11", "fe80::1"}) {
    EXPECT_TRUE(believable("ledger-db.payments.svc.cluster.local", ours)) << ours;
  }
  for (const char* theirs :
       {"203.0.113.7", "172.32.0.1", "192.169.0.1", "100.128.0.1", "2001:db8::7"}) {
    EXPECT_FALSE(believable("ledger-db.payments.svc.cluster.local", theirs)) << theirs;
    EXPECT_FALSE(believable("web-0.web.shop.svc.example.com", theirs)) << theirs;
    EXPECT_FALSE(believable("node.cluster.local", theirs)) << theirs;
    EXPECT_TRUE(believable("api.example.com", theirs)) << theirs;
  }
}

}  // namespace
}  // namespace kube_nflog
