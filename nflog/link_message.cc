// SPDX-License-Identifier: Apache-2.0
#include "nflog/link_message.h"

#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <optional>
#include <string_view>

#include "nflog/attribute.h"

namespace kube_nflog {
namespace {

// None: not told.
std::optional<InterfaceName> name_in(Cursor attributes) {
  for (Attribute attribute; take_attribute(attributes, attribute);) {
    if (attribute.type != IFLA_IFNAME) continue;
    const std::string_view text(reinterpret_cast<const char*>(attribute.value.data()),
                                attribute.value.size());
    return InterfaceName::parse(text.substr(0, text.find('\0'))).value_or(InterfaceName());
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

// The end of a dump carries an errno, negated, if the dump ended early (net/netlink/af_netlink.c).
bool is_whole(Bytes body) {
  const auto error = head<sizeof(int)>(body);
  return !error || error.native<int, 0>() >= 0;
}

}  // namespace

LinkReader::Item LinkReader::next() {
  while (!cursor_.rest().empty()) {
    const auto header = cursor_.take<sizeof(nlmsghdr)>();
    const std::size_t length =
        header ? header.native<std::uint32_t, offsetof(nlmsghdr, nlmsg_len)>() : 0;
    Bytes body;
    if (length < sizeof(nlmsghdr) || !cursor_.take(length - sizeof(nlmsghdr), body)) {
      cursor_ = Cursor({});  // where the next message starts cannot be known
      break;
    }
    cursor_.skip_up_to(padding(length));
    const auto type = header.native<std::uint16_t, offsetof(nlmsghdr, nlmsg_type)>();
    const auto flags = header.native<std::uint16_t, offsetof(nlmsghdr, nlmsg_flags)>();
    if ((flags & NLM_F_DUMP_INTR) != 0 || type == NLMSG_ERROR) return Item::kPartial;
    if (type == NLMSG_DONE) return is_whole(body) ? Item::kDone : Item::kPartial;
    if ((type == RTM_NEWLINK || type == RTM_DELLINK) && read_link(type, Cursor(body), link_)) {
      return Item::kLink;
    }
  }
  return Item::kEnd;
}

}  // namespace kube_nflog
