// SPDX-License-Identifier: Apache-2.0
#include "core/noise.h"

#include <netinet/in.h>

namespace kube_nflog {
namespace {

// DHCP (RFC 2131) and DHCPv6 (RFC 8415): clients look for a server before any policy can know them.
bool is_dhcp(const Drop& drop) {
  if (drop.key.protocol != IPPROTO_UDP || drop.key.detail_kind != Detail::kPort) return false;
  const std::uint16_t from = drop.src_port;
  const std::uint16_t to = drop.key.detail;
  return (from == 68 && to == 67) || (from == 67 && to == 68) || (from == 546 && to == 547) ||
         (from == 547 && to == 546);
}

}  // namespace

std::optional<Why> noise(const Drop& drop, const NoiseOptions& options) {
  if (is_dhcp(drop)) return Why::kDhcp;
  if (drop.key.dst.is_multicast()) return Why::kMulticast;
  if (drop.key.dst.is_limited_broadcast()) return Why::kBroadcast;
  if (drop.mid_stream && !options.report_mid_stream) return Why::kMidStream;
  return std::nullopt;
}

}  // namespace kube_nflog
