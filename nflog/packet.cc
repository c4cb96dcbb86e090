// SPDX-License-Identifier: Apache-2.0
#include "nflog/packet.h"

#include <netinet/in.h>

#include <algorithm>

namespace kube_nflog {
namespace {

// Those that <netinet/in.h> does not name.
constexpr std::uint8_t kHip = 139;
constexpr std::uint8_t kShim6 = 140;

constexpr std::uint16_t kEtherTypeVlan = 0x8100;
constexpr std::uint16_t kEtherTypeServiceVlan = 0x88a8;

void read_ports(Bytes segment, Drop& drop) {
  const auto ports = head<4>(segment);
  if (!ports) return;
  drop.src_port = ports.be<std::uint16_t, 0>();
  drop.key.detail = ports.be<std::uint16_t, 2>();
  drop.key.detail_kind = Detail::kPort;
}

// RFC 9293: the flags are byte 13. Cut before them: not called mid-stream, for we do not know.
void read_tcp_flags(Bytes segment, Drop& drop) {
  constexpr std::uint8_t kSyn = 0x02;
  const auto header = head<14>(segment);
  drop.mid_stream = header && (header.be<std::uint8_t, 13>() & kSyn) == 0;
}

void read_icmp(Bytes segment, Drop& drop) {
  const auto type_and_code = head<2>(segment);
  if (!type_and_code) return;
  drop.key.detail = type_and_code.be<std::uint16_t, 0>();
  drop.key.detail_kind = Detail::kIcmp;
}

void read_transport(std::uint8_t protocol, Bytes segment, Drop& drop) {
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
  const auto header = head<20>(packet);
  if (!header || header.be<std::uint8_t, 0>() >> 4 != 4) return false;
  drop.key.src = IpAddr::v4(header.part<12, 4>());
  drop.key.dst = IpAddr::v4(header.part<16, 4>());
  drop.key.protocol = header.be<std::uint8_t, 9>();

  const bool later_fragment = (header.be<std::uint16_t, 6>() & 0x1fff) != 0;
  const std::size_t header_length = (header.be<std::uint8_t, 0>() & std::size_t{0x0f}) * 4;
  if (later_fragment || header_length < 20) return true;
  Cursor cursor(within(packet, header.be<std::uint16_t, 2>()));
  Bytes with_options;
  if (cursor.take(header_length, with_options)) {
    read_transport(drop.key.protocol, cursor.rest(), drop);
  }
  return true;
}

// Extension headers that are protocols, too, and mostly come without another one behind them.
bool is_message(std::uint8_t header) {
  return header == IPPROTO_MH || header == kHip || header == kShim6;
}

struct Extension {
  std::uint8_t next_header = 0;
  bool whole = false;
  bool later_fragment = false;
};

// Steps over one extension header, whose number is `protocol`.
Extension step_over(std::uint8_t protocol, Cursor& cursor) {
  const auto header = head<4>(cursor.rest());
  if (!header) return {};
  const std::size_t size = header.be<std::uint8_t, 1>();
  std::size_t length = (size + 1) * 8;
  bool later_fragment = false;
  if (protocol == IPPROTO_FRAGMENT) {
    length = 8;
    later_fragment = (header.be<std::uint16_t, 2>() & 0xfff8) != 0;
  } else if (protocol == IPPROTO_AH) {
    length = (size + 2) * 4;
  }
  Bytes extension;
  return {header.be<std::uint8_t, 0>(), cursor.take(length, extension), later_fragment};
}

void walk_ipv6(Cursor cursor, Drop& drop) {
  for (;;) {  // every turn consumes at least eight bytes
    switch (drop.key.protocol) {
      case IPPROTO_HOPOPTS:
      case IPPROTO_ROUTING:
      case IPPROTO_FRAGMENT:
      case IPPROTO_DSTOPTS:
      case IPPROTO_AH:
      case IPPROTO_MH:
      case kHip:
      case kShim6:
        break;
      default:
        return read_transport(drop.key.protocol, cursor.rest(), drop);
    }
    const Extension extension = step_over(drop.key.protocol, cursor);
    // RFC 6275, 7401, 5533: without data behind it, such a header is the message itself.
    const bool is_all = extension.next_header == IPPROTO_NONE && is_message(drop.key.protocol);
    if (!extension.whole || is_all) return;
    drop.key.protocol = extension.next_header;
    if (extension.later_fragment) return;
  }
}

bool decode_ipv6(Bytes packet, Drop& drop) {
  Cursor cursor(packet);
  const auto header = cursor.take<40>();
  if (!header || header.be<std::uint8_t, 0>() >> 4 != 6) return false;
  drop.key.src = IpAddr::v6(header.part<8, 16>());
  drop.key.dst = IpAddr::v6(header.part<24, 16>());
  drop.key.protocol = header.be<std::uint8_t, 6>();
  walk_ipv6(Cursor(within(cursor.rest(), header.be<std::uint16_t, 4>())), drop);
  return true;
}

}  // namespace

bool decode_packet(std::uint16_t ether_type, Bytes packet, Drop& drop) {
  // A bridge's frame: the kernel keeps the outermost VLAN tag beside the packet, a further one is
  // its first four bytes (IEEE 802.1Q: tag, then the type of what follows).
  while (ether_type == kEtherTypeVlan || ether_type == kEtherTypeServiceVlan) {
    const auto tag = head<4>(packet);
    if (!tag) return false;
    ether_type = tag.be<std::uint16_t, 2>();
    packet = packet.subspan(4);
  }
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
