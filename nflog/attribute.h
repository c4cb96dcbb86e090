// SPDX-License-Identifier: Apache-2.0
// Netlink attributes, taken off one by one. Used by all that reads netlink messages. Wire format:
// linux/netlink.h (struct nlattr), the header in the host's order.
#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

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

// The text of an attribute or of a fixed field, up to its NUL.
inline std::string_view text_in(Bytes field) {
  const std::string_view text(reinterpret_cast<const char*>(field.data()), field.size());
  return text.substr(0, text.find('\0'));
}

}  // namespace kube_nflog
