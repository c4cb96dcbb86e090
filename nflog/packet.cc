// SPDX-License-Identifier: Apache-2.0
#include "nflog/packet.h"

#include <netinet/in.h>

#include <algorithm>
#include <optional>

namespace kube_nflog {
namespace {

// Those that <netinet/in.h> does not name.
constexpr std::uint8_t kHip = 139;
constexpr std::uint8_t kShim6 = 140;

void read_ports(Cursor segment, Drop& drop) {
  const auto ports = segment.take<4>();
  if (!ports) return;
  drop.src_port = be_at<std::uint16_t, 0>(*ports);
  drop.key.detail = be_at<std::uint16_t, 2>(*ports);
  drop.key.detail_kind = Detail::kPort;
}

// RFC 9293: the flags are byte 13. Cut before them: not called mid-stream, for we do not know.
void read_tcp_flags(Cursor segment, Drop& drop) {
  constexpr std::uint8_t kSyn = 0x02;
  const auto header = segment.take<14>();
  drop.mid_stream = header && (be_at<std::uint8_t, 13>(*header) & kSyn) == 0;
}

void read_icmp(Cursor segment, Drop& drop) {
  const auto type_and_code = segment.take<2>();
  if (!type_and_code) return;
  drop.key.detail = be_at<std::uint16_t, 0>(*type_and_code);
  drop.key.detail_kind = Detail::kIcmp;
}

void read_transport(std::uint8_t protocol, Cursor segment, Drop& drop) {
  switch (protocol) {
    case IPPROTO_TCP:
      read_tcp_flags(segment, drop);
      return read_ports(segment, drop);
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE:
    case IPPROTO_SCTP:
    case IPPROTO_DCCP:
      return read_ports(segment, drop);
    case IPPROTO_ICMP:
      if (drop.key.src.is_v4()) read_icmp(segment, drop);
      return;
    case IPPROTO_ICMPV6:
      if (drop.key.src.is_v6()) read_icmp(segment, drop);
      return;
    default:
      return;
  }
}

// A bridge may pad: the IP length ends the packet. 0 is a packet too long to say (BIG TCP,
// jumbogram).
Bytes within(Bytes bytes, std::size_t length) {
  return length == 0 ? bytes : bytes.first(std::min(bytes.size(), length));
}

bool decode_ipv4(Bytes packet, Drop& drop) {
  Cursor cursor(packet);
  const auto header = cursor.take<20>();
  if (!header || be_at<std::uint8_t, 0>(*header) >> 4 != 4) return false;
  drop.key.src = IpAddr::v4(header->subspan<12, 4>());
  drop.key.dst = IpAddr::v4(header->subspan<16, 4>());
  drop.key.protocol = be_at<std::uint8_t, 9>(*header);

  const bool later_fragment = (be_at<std::uint16_t, 6>(*header) & 0x1fff) != 0;
  const std::size_t header_length = (be_at<std::uint8_t, 0>(*header) & std::size_t{0x0f}) * 4;
  if (later_fragment || header_length < header->size()) return true;
  Cursor segment(within(packet, be_at<std::uint16_t, 2>(*header)));
  if (segment.take(header_length)) read_transport(drop.key.protocol, segment, drop);
  return true;
}

// Steps over one extension header; returns the next header's number. Nothing: cut, or a later
// fragment. `protocol` must be an extension header.
std::optional<std::uint8_t> step_over(std::uint8_t protocol, Cursor& cursor) {
  const Bytes start = cursor.rest();
  const auto head = Cursor(start).take<4>();
  if (!head) return std::nullopt;
  const std::size_t size = be_at<std::uint8_t, 1>(*head);
  std::size_t length = (size + 1) * 8;
  if (protocol == IPPROTO_FRAGMENT) length = 8;
  if (protocol == IPPROTO_AH) length = (size + 2) * 4;
  if (!cursor.take(length)) return std::nullopt;
  return be_at<std::uint8_t, 0>(*head);
}

bool is_later_fragment(Bytes fragment_header) {
  const auto head = Cursor(fragment_header).take<4>();
  return head && (be_at<std::uint16_t, 2>(*head) & 0xfff8) != 0;
}

void walk_ipv6(Cursor cursor, Drop& drop) {
  std::uint8_t& protocol = drop.key.protocol;
  for (;;) {  // every turn consumes at least eight bytes
    bool last = false;
    switch (protocol) {
      case IPPROTO_FRAGMENT:
        last = is_later_fragment(cursor.rest());
        break;
      case IPPROTO_HOPOPTS:
      case IPPROTO_ROUTING:
      case IPPROTO_DSTOPTS:
      case IPPROTO_AH:
      case IPPROTO_MH:
      case kHip:
      case kShim6:
        break;
      default:
        return read_transport(protocol, cursor, drop);
    }
    const std::optional<std::uint8_t> next = step_over(protocol, cursor);
    if (!next) return;
    protocol = *next;
    if (last) return;
  }
}

bool decode_ipv6(Bytes packet, Drop& drop) {
  Cursor cursor(packet);
  const auto header = cursor.take<40>();
  if (!header || be_at<std::uint8_t, 0>(*header) >> 4 != 6) return false;
  drop.key.src = IpAddr::v6(header->subspan<8, 16>());
  drop.key.dst = IpAddr::v6(header->subspan<24, 16>());
  drop.key.protocol = be_at<std::uint8_t, 6>(*header);
  walk_ipv6(Cursor(within(cursor.rest(), be_at<std::uint16_t, 4>(*header))), drop);
  return true;
}

}  // namespace

bool decode_packet(std::uint16_t ether_type, Bytes packet, Drop& drop) {
  switch (ether_type) {
    case kEtherTypeIpv4:
      return decode_ipv4(packet, drop);
    case kEtherTypeIpv6:
      return decode_ipv6(packet, drop);
    default:
      return false;
  }
}

}  // namespace kube_nflog
