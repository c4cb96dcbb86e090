// SPDX-License-Identifier: Apache-2.0
// The messages of a netlink dump, taken off a datagram one by one. Used by link_message and
// nft_rule. Wire format: linux/netlink.h (struct nlmsghdr), in the host's order.
#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>

#include "nflog/attribute.h"
#include "nflog/cursor.h"

namespace kube_nflog {

struct NetlinkMessage {
  std::uint16_t type = 0, flags = 0;
  Bytes body;

  bool is_last() const { return type == NLMSG_DONE; }
  // Of the answer NLMSG_ERROR, and of NLMSG_DONE if the dump ended early: what went wrong, as an
  // errno; 0: nothing.
  int error() const {
    if (type != NLMSG_DONE && type != NLMSG_ERROR) return 0;
    const auto code = head<sizeof(int)>(body);
    const int negated = code ? code.native<int, 0>() : 0;
    return negated < 0 && negated > -4096 ? -negated : 0;
  }
  // The dump may lack something: it was cut short, or what it lists has changed meanwhile.
  bool is_partial() const {
    return (flags & NLM_F_DUMP_INTR) != 0 || type == NLMSG_ERROR || error() != 0;
  }
};

// False: what is there is no whole message; where the next one starts cannot be known.
inline bool take_message(Cursor& cursor, NetlinkMessage& out) {
  const auto header = cursor.take<sizeof(nlmsghdr)>();
  if (!header) return false;
  const std::size_t length = header.native<std::uint32_t, offsetof(nlmsghdr, nlmsg_len)>();
  out.type = header.native<std::uint16_t, offsetof(nlmsghdr, nlmsg_type)>();
  out.flags = header.native<std::uint16_t, offsetof(nlmsghdr, nlmsg_flags)>();
  if (length < sizeof(nlmsghdr) || !cursor.take(length - sizeof(nlmsghdr), out.body)) return false;
  cursor.skip_up_to(padding(length));
  return true;
}

}  // namespace kube_nflog
