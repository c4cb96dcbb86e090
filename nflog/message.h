// SPDX-License-Identifier: Apache-2.0
// From one netlink datagram to the records and answers in it. Pure, no allocation, no alignment
// assumed, never reads outside the datagram. Used by nflog/intake and nflog/netlink_socket. Wire
// format: linux/netlink.h, linux/netfilter/nfnetlink_log.h, net/netfilter/nfnetlink_log.c.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/clock.h"
#include "nflog/cursor.h"

namespace kube_nflog {

// One logged packet. The views point into the datagram. 0 stands for "not told", as in the kernel.
struct Record {
  std::uint16_t group = 0;
  std::uint8_t family = 0;  // NFPROTO_*
  std::uint8_t hook = 0;    // NF_INET_*
  std::uint16_t ether_type = 0;
  std::uint16_t link_type = 0;  // ARPHRD_*
  std::uint32_t mark = 0;
  std::uint32_t indev = 0, outdev = 0;          // interface indexes
  std::uint32_t physindev = 0, physoutdev = 0;  // the bridge ports, where a bridge asked iptables
  std::optional<std::uint32_t> seq;
  std::optional<SystemTime>
      time;  // the kernel tells it on the way in, not on OUTPUT or POSTROUTING
  std::string_view prefix;
  Bytes link_header;  // of an Ethernet: destination, source, type; empty on the way out
  Bytes conntrack;  // nested attributes, for nflog/conntrack; empty where the kernel lacks the glue
  Bytes payload;    // from the IP header on, cut at the copy range
};

// The kernel's answer to a request.
struct Answer {
  std::uint32_t request = 0;  // its nlmsg_seq
  int error = 0;              // errno, 0 = done
};

class DatagramReader {
 public:
  enum class Item {
    kRecord,
    kAnswer,
    kDamaged,  // one message that does not parse, or, where its length is wrong, all that is left
    kEnd,
  };

  explicit DatagramReader(Bytes datagram) : cursor_(datagram) {}

  // The next item; messages of other kinds (NLMSG_NOOP, NLMSG_DONE …) are passed over.
  Item next();
  const Record& record() const { return record_; }  // after kRecord, until next()
  const Answer& answer() const { return answer_; }  // after kAnswer

 private:
  Cursor cursor_;
  Record record_;
  Answer answer_;
};

}  // namespace kube_nflog
