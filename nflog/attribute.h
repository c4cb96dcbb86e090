// SPDX-License-Identifier: Apache-2.0
// Netlink attributes, taken off one by one. Used by message and conntrack. Wire format:
// linux/netlink.h (struct nlattr), the header in the host's order.
#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>

#include "nflog/cursor.h"

namespace kube_nflog {

// Netlink pads to four bytes, but the last message or attribute may come without its padding.
constexpr std::size_t padding(std::size_t used) { return (4 - used % 4) % 4; }

struct Attribute {
  std::uint16_t type = 0;  // without the flags
  Bytes value;
};

// False: what is there is no whole attribute; where the next one starts cannot be known.
inline bool take_attribute(Cursor& cursor, Attribute& out) {
  const auto header = cursor.take<sizeof(nlattr)>();
  if (!header) return false;
  const std::size_t length = header.native<std::uint16_t, offsetof(nlattr, nla_len)>();
  out.type = header.native<std::uint16_t, offsetof(nlattr, nla_type)>() & NLA_TYPE_MASK;
  if (length < sizeof(nlattr) || !cursor.take(length - sizeof(nlattr), out.value)) return false;
  cursor.skip_up_to(padding(length));
  return true;
}

}  // namespace kube_nflog
