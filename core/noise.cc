// SPDX-License-Identifier: Apache-2.0
#include "core/noise.h"

#include <netinet/in.h>

#include <algorithm>

namespace kube_nflog {
namespace {

bool is_udp(const Drop& drop) {
  return drop.key.protocol == IPPROTO_UDP && drop.key.detail_kind == Detail::kPort;
}

// DHCP (RFC 2131) and DHCPv6 (RFC 8415): clients look for a server before any policy can know them.
bool is_dhcp(const Drop& drop) {
  const std::uint16_t from = drop.src_port;
  const std::uint16_t to = drop.key.detail;
  return is_udp(drop) && ((from == 68 && to == 67) || (from == 67 && to == 68) ||
                          (from == 546 && to == 547) || (from == 547 && to == 546));
}

bool is_mdns(const Drop& drop) {  // RFC 6762
  return is_udp(drop) && drop.key.detail == 5353 && drop.key.dst.is_multicast();
}

// Only the link layer knows the broadcast address of a subnet. TCP and IPv6 have no broadcast: in a
// frame to everybody they are told, lest a sender hide its connections so.
bool is_broadcast(const Drop& drop) {
  return drop.key.dst.is_limited_broadcast() ||
         (drop.link_broadcast && drop.key.dst.is_v4() && drop.key.protocol != IPPROTO_TCP);
}

bool is_ignored(const Drop& drop, const std::vector<Cidr>& ranges) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const Cidr& range) {
    return range.contains(drop.key.src) || range.contains(drop.key.dst);
  });
}

}  // namespace

std::optional<Why> noise(const Drop& drop, const NoiseOptions& options) {
  const auto unless = [](bool reported, Why why) {
    return reported ? std::nullopt : std::optional(why);
  };
  if (is_ignored(drop, options.ignore)) return Why::kIgnored;
  if (is_dhcp(drop)) return unless(options.report_dhcp, Why::kDhcp);
  if (is_mdns(drop)) return unless(options.report_mdns, Why::kMdns);
  if (drop.key.dst.is_multicast()) return unless(options.report_multicast, Why::kMulticast);
  if (is_broadcast(drop)) return unless(options.report_broadcast, Why::kBroadcast);
  if (drop.mid_stream) return unless(options.report_mid_stream, Why::kMidStream);
  return std::nullopt;
}

}  // namespace kube_nflog
