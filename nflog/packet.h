// SPDX-License-Identifier: Apache-2.0
// From the bytes of an IP packet to what a drop says about it: addresses, protocol, ports or ICMP
// type, TCP flags. Pure, no allocation. Used by nflog/intake.
#pragma once

#include <cstdint>

#include "core/drop.h"
#include "nflog/cursor.h"

namespace kube_nflog {

inline constexpr std::uint16_t kEtherTypeIpv4 = 0x0800;
inline constexpr std::uint16_t kEtherTypeIpv6 = 0x86dd;

// `packet` starts at the IP header (or at VLAN tags, of which `ether_type` then says so) and may be
// cut at any byte, as NFLOG's copy range does. Fills the key except the cause, src_port and
// mid_stream of `drop`, which must be fresh. False: no addresses (cut inside the fixed header, or
// not the version that `ether_type` promises); `drop` is then void.
//
// Ports are read only where they are: not from a later fragment, not past the IP length, not past
// the cut. Then detail_kind stays kNone. IPv6 extension headers are walked (RFC 8200, 4302); where
// the walk ends early, `protocol` is the last header that the packet names.
bool decode_packet(std::uint16_t ether_type, Bytes packet, Drop& drop);

}  // namespace kube_nflog
