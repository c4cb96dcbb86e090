// SPDX-License-Identifier: Apache-2.0
// What a record tells of the packet's connection (NFULA_CT): where the sender had addressed it
// before DNAT. Pure, no allocation, never reads outside. Used by nflog/intake. Wire format:
// linux/netfilter/nfnetlink_conntrack.h; written by ctnetlink_glue_build() in
// net/netfilter/nf_conntrack_netlink.c.
#pragma once

#include <optional>

#include "core/drop.h"
#include "nflog/cursor.h"

namespace kube_nflog {

// `conntrack` is the attribute's value, `drop` the decoded packet. Nothing: the destination was not
// rewritten, or the packet is not one that the sender of the connection sent (an answer, an ICMP
// error about it), or what is there is damaged.
std::optional<ServiceAddress> original_destination(Bytes conntrack, const Drop& drop);

}  // namespace kube_nflog
