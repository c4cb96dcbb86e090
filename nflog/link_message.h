// SPDX-License-Identifier: Apache-2.0
// From one rtnetlink datagram to the network interfaces that it tells of. Pure, no allocation,
// never reads outside the datagram. Used by nflog/link_watch. Wire format: linux/rtnetlink.h,
// linux/if_link.h, net/core/rtnetlink.c.
#pragma once

#include <cstdint>

#include "core/interfaces.h"
#include "nflog/cursor.h"

namespace kube_nflog {

struct Link {
  std::uint32_t index = 0;
  InterfaceName name;  // empty: the interface is gone, or has no name that we would print
};

class LinkReader {
 public:
  enum class Item {
    kLink,
    kDone,     // of a dump: all was told
    kPartial,  // of a dump: it ended early, or interfaces changed meanwhile and some may be missing
    kEnd,      // of the datagram
  };

  explicit LinkReader(Bytes datagram) : cursor_(datagram) {}

  // The next item. Other messages, and damaged ones, are passed over.
  Item next();
  const Link& link() const { return link_; }  // after kLink

 private:
  Cursor cursor_;
  Link link_;
};

}  // namespace kube_nflog
