// SPDX-License-Identifier: Apache-2.0
#include "nflog/conntrack.h"

#include <linux/netfilter/nfnetlink_conntrack.h>

#include "nflog/attribute.h"

namespace kube_nflog {
namespace {

// The connection's first packet, as its sender sent it. Empty: not told.
struct Tuple {
  IpAddr src, dst;
  std::optional<std::uint8_t> protocol;
  std::optional<std::uint16_t> src_port, dst_port;
};

template <class T>
std::optional<T> integer(Bytes value) {
  const auto bytes = head<sizeof(T)>(value);
  if (!bytes) return std::nullopt;
  return bytes.template be<T, 0>();
}

IpAddr address_v4(Bytes value) {
  const auto bytes = head<4>(value);
  return bytes ? IpAddr::v4(bytes.part<0, 4>()) : IpAddr();
}

IpAddr address_v6(Bytes value) {
  const auto bytes = head<16>(value);
  return bytes ? IpAddr::v6(bytes.part<0, 16>()) : IpAddr();
}

void read_addresses(Cursor cursor, Tuple& tuple) {
  for (Attribute a; take_attribute(cursor, a);) {
    if (a.type == CTA_IP_V4_SRC) tuple.src = address_v4(a.value);
    if (a.type == CTA_IP_V4_DST) tuple.dst = address_v4(a.value);
    if (a.type == CTA_IP_V6_SRC) tuple.src = address_v6(a.value);
    if (a.type == CTA_IP_V6_DST) tuple.dst = address_v6(a.value);
  }
}

void read_protocol(Cursor cursor, Tuple& tuple) {
  for (Attribute a; take_attribute(cursor, a);) {
    if (a.type == CTA_PROTO_NUM) tuple.protocol = integer<std::uint8_t>(a.value);
    if (a.type == CTA_PROTO_SRC_PORT) tuple.src_port = integer<std::uint16_t>(a.value);
    if (a.type == CTA_PROTO_DST_PORT) tuple.dst_port = integer<std::uint16_t>(a.value);
  }
}

Tuple original_tuple(Bytes conntrack) {
  Tuple tuple;
  Cursor cursor(conntrack);
  for (Attribute a; take_attribute(cursor, a);) {
    if (a.type != CTA_TUPLE_ORIG) continue;
    Cursor parts(a.value);
    for (Attribute part; take_attribute(parts, part);) {
      if (part.type == CTA_TUPLE_IP) read_addresses(Cursor(part.value), tuple);
      if (part.type == CTA_TUPLE_PROTO) read_protocol(Cursor(part.value), tuple);
    }
    break;
  }
  return tuple;
}

}  // namespace

std::optional<ServiceAddress> original_destination(Bytes conntrack, const Drop& drop) {
  const Tuple tuple = original_tuple(conntrack);
  const bool by_its_sender = tuple.src == drop.key.src && tuple.protocol == drop.key.protocol;
  if (!by_its_sender || tuple.dst.empty()) return std::nullopt;
  if (drop.key.detail_kind != Detail::kPort) {
    if (tuple.dst == drop.key.dst) return std::nullopt;
    return ServiceAddress{tuple.dst, 0};
  }
  // The ports tell an answer from a Pod's call to itself through a Service.
  if (tuple.src_port != drop.src_port || !tuple.dst_port) return std::nullopt;
  if (tuple.dst == drop.key.dst && tuple.dst_port == drop.key.detail) return std::nullopt;
  return ServiceAddress{tuple.dst, *tuple.dst_port};
}

}  // namespace kube_nflog
