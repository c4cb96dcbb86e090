// SPDX-License-Identifier: Apache-2.0
#include "k8s/protocol_name.h"

#include <netinet/in.h>

#include <algorithm>
#include <span>
#include <string_view>

namespace kube_nflog {
namespace {

constexpr int kAnyCode = -1;

struct IcmpRow {
  int type, code;
  std::string_view name;
};

// Rows with a code stand before the row of their type. Names as iptables -p icmp -h has them.
constexpr IcmpRow kIcmp[] = {
    {0, kAnyCode, "echo-reply"},
    {3, 0, "network-unreachable"},
    {3, 1, "host-unreachable"},
    {3, 2, "protocol-unreachable"},
    {3, 3, "port-unreachable"},
    {3, 4, "fragmentation-needed"},
    {3, 9, "network-prohibited"},
    {3, 10, "host-prohibited"},
    {3, 13, "communication-prohibited"},
    {3, kAnyCode, "destination-unreachable"},
    {4, kAnyCode, "source-quench"},
    {5, kAnyCode, "redirect"},
    {8, kAnyCode, "echo-request"},
    {9, kAnyCode, "router-advertisement"},
    {10, kAnyCode, "router-solicitation"},
    {11, kAnyCode, "time-exceeded"},
    {12, kAnyCode, "parameter-problem"},
    {13, kAnyCode, "timestamp-request"},
    {14, kAnyCode, "timestamp-reply"},
};

constexpr IcmpRow kIcmpv6[] = {
    {1, 0, "no-route"},
    {1, 1, "communication-prohibited"},
    {1, 3, "address-unreachable"},
    {1, 4, "port-unreachable"},
    {1, kAnyCode, "destination-unreachable"},
    {2, kAnyCode, "packet-too-big"},
    {3, kAnyCode, "time-exceeded"},
    {4, kAnyCode, "parameter-problem"},
    {128, kAnyCode, "echo-request"},
    {129, kAnyCode, "echo-reply"},
    {130, kAnyCode, "multicast-listener-query"},
    {131, kAnyCode, "multicast-listener-report"},
    {132, kAnyCode, "multicast-listener-done"},
    {133, kAnyCode, "router-solicitation"},
    {134, kAnyCode, "router-advertisement"},
    {135, kAnyCode, "neighbour-solicitation"},
    {136, kAnyCode, "neighbour-advertisement"},
    {137, kAnyCode, "redirect"},
    {143, kAnyCode, "multicast-listener-report"},
};

std::string name_in(std::span<const IcmpRow> rows, int type, int code) {
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const IcmpRow& r) {
    return r.type == type && (r.code == code || r.code == kAnyCode);
  });
  if (row != rows.end()) return std::string(row->name);
  return "type " + std::to_string(type) + " code " + std::to_string(code);
}

}  // namespace

std::string protocol_name(std::uint8_t protocol) {
  switch (protocol) {
    case IPPROTO_TCP:
      return "TCP";
    case IPPROTO_UDP:
      return "UDP";
    case IPPROTO_SCTP:
      return "SCTP";
    case IPPROTO_UDPLITE:
      return "UDPLITE";
    case IPPROTO_DCCP:
      return "DCCP";
    case IPPROTO_ICMP:
      return "ICMP";
    case IPPROTO_ICMPV6:
      return "ICMPv6";
    default:
      return std::to_string(protocol);
  }
}

std::string icmp_name(std::uint8_t type, std::uint8_t code) { return name_in(kIcmp, type, code); }
std::string icmpv6_name(std::uint8_t type, std::uint8_t code) {
  return name_in(kIcmpv6, type, code);
}

}  // namespace kube_nflog
