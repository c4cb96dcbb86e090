// SPDX-License-Identifier: Apache-2.0
// Who holds an NFLOG group: nfnetlink answers EPERM both to a missing capability and to a second
// listener, and this tells them apart. Used by nflog_source when a bind is refused.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kube_nflog {

// Pure. The netlink port id that holds `group`, from the text of /proc/net/netfilter/nfnetlink_log
// (seq_show in net/netfilter/nfnetlink_log.c: group, port id, …).
std::optional<std::uint32_t> holder_port(std::string_view table, std::uint16_t group);

// Pure. The inode of the NETLINK_NETFILTER socket with that port id, from the text of
// /proc/net/netlink (netlink_native_seq_show in net/netlink/af_netlink.c).
std::optional<std::uint64_t> netfilter_socket_inode(std::string_view table, std::uint32_t port_id);

struct GroupHolder {
  std::uint32_t port_id = 0;
  std::string process;  // `ulogd (pid 123)`; empty: not to be seen from here
};

// For people: `ulogd (pid 123), netlink port id 123`.
std::string name_of(const GroupHolder& holder);

// The port id that holds it. Nothing: nobody does, or the table cannot be read.
std::optional<std::uint32_t> find_holder_port(std::uint16_t group);

// Whose that port id is. Walks /proc/*/fd: for failures, not for steady work. A process of another
// PID namespace is not visible unless ours is the host's.
GroupHolder holder_with_port(std::uint32_t port_id);

// The two together.
std::optional<GroupHolder> find_group_holder(std::uint16_t group);

}  // namespace kube_nflog
