// SPDX-License-Identifier: Apache-2.0
// What we ask of the kernel for one NFLOG group, as one request datagram. Pure. Used by
// nflog_source.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kube_nflog {

// The kernel answers "done" to out-of-range sizes and ignores them, so the bounds stand here
// (net/netfilter/nfnetlink_log.c: NFULNL_NLBUFSIZ_MAX 131072).
struct GroupConfig {
  // Bytes of each packet. 256 hold the longest IPv4 header, or IPv6 with 200 bytes of extension
  // headers, with the transport header and the inner packet of an ICMP error; drops are mostly
  // SYNs, which are shorter; and records of one packet stay comparable by payload, ip.id and
  // sequence included.
  std::uint32_t copy_range = 256;
  // Records a datagram: under load one wake-up and one skb serve 128 packets. A rule's own
  // --nflog-threshold can only lower it.
  std::uint32_t queue_threshold = 128;
  // Bytes a datagram: 128 records of 256 and their attributes. The kernel allocates this much at
  // once and adds its skb_shared_info: 512 bytes less than a power of two keep it from doubling.
  std::uint32_t buffer_bytes = 65'536 - 512;
  // Hundredths of a second that a lone record waits for company; 1 is the least that still batches.
  std::uint32_t timeout_centiseconds = 1;
  // NFULNL_CFG_F_CONNTRACK: each record tells its packet's connection, for the Service address. A
  // kernel without nf_conntrack_netlink answers EOPNOTSUPP and has done nothing at all: then ask
  // again without.
  bool conntrack = true;
};

// BIND and all of the above with NFULNL_CFG_F_SEQ, in one message: the kernel takes or refuses it
// as a whole, and the first record is already numbered. Asks for an answer to `request`
// (nlmsg_seq). Never PF_BIND or PF_UNBIND: NFLOG does not need them, and they switch the kernel's
// own logging
// (/proc/net/netfilter/nf_log) for everybody on the node.
std::vector<std::byte> bind_request(std::uint16_t group, const GroupConfig& config,
                                    std::uint32_t request);

}  // namespace kube_nflog
