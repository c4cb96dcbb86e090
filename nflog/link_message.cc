// SPDX-License-Identifier: Apache-2.0
#include "nflog/link_message.h"

#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <optional>

#include "nflog/attribute.h"
#include "nflog/netlink_message.h"

namespace kube_nflog {
namespace {

// None: not told.
std::optional<InterfaceName> name_in(Cursor attributes) {
  for (Attribute attribute; take_attribute(attributes, attribute);) {
    if (attribute.type != IFLA_IFNAME) continue;
    return InterfaceName::parse(text_in(attribute.value)).value_or(InterfaceName());
  }
  return std::nullopt;
}

// False: it tells nothing of an interface's name.
bool read_link(std::uint16_t type, Cursor body, Link& out) {
  const auto header = body.take<sizeof(ifinfomsg)>();
  if (!header) return false;
  // A bridge tells of its ports by the same messages, in its own family; there, RTM_DELLINK says
  // that an interface left the bridge (net/bridge/br_netlink.c).
  if (header.native<std::uint8_t, offsetof(ifinfomsg, ifi_family)>() != AF_UNSPEC) return false;
  const int index = header.native<int, offsetof(ifinfomsg, ifi_index)>();
  if (index <= 0) return false;
  const auto name = type == RTM_NEWLINK ? name_in(body) : InterfaceName();
  if (name) out = {static_cast<std::uint32_t>(index), *name};
  return name.has_value();
}

}  // namespace

LinkReader::Item LinkReader::next() {
  NetlinkMessage message;
  while (take_message(cursor_, message)) {
    if (message.is_partial()) return Item::kPartial;
    if (message.is_last()) return Item::kDone;
    const bool is_link = message.type == RTM_NEWLINK || message.type == RTM_DELLINK;
    if (is_link && read_link(message.type, Cursor(message.body), link_)) return Item::kLink;
  }
  cursor_ = Cursor({});  // where a next message starts cannot be known
  return Item::kEnd;
}

}  // namespace kube_nflog
