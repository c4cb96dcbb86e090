// SPDX-License-Identifier: Apache-2.0
#include "k8s/outline.h"

#include <gtest/gtest.h>

#include "tests/k8s/make.h"

namespace kube_nflog {
namespace {

using make::icmp_key;
using make::port_key;

constexpr Interfaces kWay{*InterfaceName::parse("eth0"), *InterfaceName::parse("cali-a")};

DropSummary drop(const DropKey& key, const Interfaces* interfaces = nullptr) {
  DropSummary summary;
  summary.key = key;
  summary.interfaces = interfaces;
  return summary;
}

TEST(Outline, TellsWhatIsKnown) {
  static const Cause cause{"by rule \"x\""};
  EXPECT_EQ(outline(drop(port_key("10.1.2.3", "192.0.2.1", 8080, IPPROTO_TCP, &cause), &kWay)),
            "10.1.2.3 > 192.0.2.1 on port 8080/TCP, in eth0, out cali-a: by rule \"x\"");
  EXPECT_EQ(outline(drop(port_key("fd00::1", "fd00::2", 53, IPPROTO_UDP))),
            "fd00::1 > fd00::2 on port 53/UDP");
}

TEST(Outline, LeavesOutWhatIsNot) {
  constexpr Interfaces kOnlyOut{{}, *InterfaceName::parse("eth0")};
  EXPECT_EQ(outline(drop(icmp_key("10.1.2.3", "192.0.2.1", 8, 0), &kOnlyOut)),
            "10.1.2.3 > 192.0.2.1 over ICMP echo-request, out eth0");
  EXPECT_EQ(outline(drop(icmp_key("fd00::1", "fd00::2", 128, 0, IPPROTO_ICMPV6))),
            "fd00::1 > fd00::2 over ICMP echo-request");
  DropKey key = port_key("10.1.2.3", "192.0.2.1", 0, 47);
  key.detail_kind = Detail::kNone;
  EXPECT_EQ(outline(drop(key)), "10.1.2.3 > 192.0.2.1 over protocol 47");
  key.fold = Fold::kPorts;
  key.src = IpAddr();
  key.protocol = 0;
  EXPECT_EQ(outline(drop(key)), "many addresses > 192.0.2.1");
  key = port_key("10.1.2.3", "192.0.2.1", 22);
  key.fold = Fold::kDestinations;
  key.dst = IpAddr();
  EXPECT_EQ(outline(drop(key)), "10.1.2.3 > many addresses on port 22/TCP");
}

}  // namespace
}  // namespace kube_nflog
