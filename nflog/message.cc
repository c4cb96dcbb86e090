// SPDX-License-Identifier: Apache-2.0
#include "nflog/message.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>

#include <algorithm>

#include "nflog/attribute.h"

namespace kube_nflog {
namespace {

constexpr std::uint16_t kPacketMessage = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET;

bool read_u16(Bytes value, std::uint16_t& out) {
  const auto bytes = head<2>(value);
  if (bytes) out = bytes.be<std::uint16_t, 0>();
  return static_cast<bool>(bytes);
}

bool read_u32(Bytes value, std::uint32_t& out) {
  const auto bytes = head<4>(value);
  if (bytes) out = bytes.be<std::uint32_t, 0>();
  return static_cast<bool>(bytes);
}

bool read_packet_header(Bytes value, Record& record) {
  const auto header = head<sizeof(nfulnl_msg_packet_hdr)>(value);
  if (!header) return false;
  record.ether_type = header.be<std::uint16_t, offsetof(nfulnl_msg_packet_hdr, hw_protocol)>();
  record.hook = header.be<std::uint8_t, offsetof(nfulnl_msg_packet_hdr, hook)>();
  return true;
}

bool read_time(Bytes value, Record& record) {
  const auto time = head<sizeof(nfulnl_msg_packet_timestamp)>(value);
  if (!time) return false;
  const auto seconds = time.be<std::uint64_t, offsetof(nfulnl_msg_packet_timestamp, sec)>();
  const auto micros = time.be<std::uint64_t, offsetof(nfulnl_msg_packet_timestamp, usec)>();
  if (seconds > UINT32_MAX || micros >= 1'000'000) return false;  // keeps the sum in range
  record.time = SystemTime(std::chrono::seconds(seconds) + std::chrono::microseconds(micros));
  return true;
}

// False: shorter than its kind must be. Unknown kinds are for others.
bool read_attribute(std::uint16_t type, Bytes value, Record& record) {
  switch (type) {
    case NFULA_PACKET_HDR:
      return read_packet_header(value, record);
    case NFULA_MARK:
      return read_u32(value, record.mark);
    case NFULA_TIMESTAMP:
      return read_time(value, record);
    case NFULA_IFINDEX_INDEV:
      return read_u32(value, record.indev);
    case NFULA_IFINDEX_OUTDEV:
      return read_u32(value, record.outdev);
    case NFULA_IFINDEX_PHYSINDEV:
      return read_u32(value, record.physindev);
    case NFULA_IFINDEX_PHYSOUTDEV:
      return read_u32(value, record.physoutdev);
    case NFULA_HWTYPE:
      return read_u16(value, record.link_type);
    case NFULA_HWHEADER:
      record.link_header = value;
      return true;
    case NFULA_SEQ:
      return read_u32(value, record.seq.emplace());
    case NFULA_PREFIX:
      record.prefix = text_in(value);
      return true;
    case NFULA_CT:
      record.conntrack = value;
      return true;
    case NFULA_PAYLOAD:
      record.payload = value;
      return true;
    default:
      return true;
  }
}

bool read_record(Cursor body, Record& record) {
  const auto header = body.take<sizeof(nfgenmsg)>();
  if (!header) return false;
  record = Record{};
  record.family = header.be<std::uint8_t, offsetof(nfgenmsg, nfgen_family)>();
  record.group = header.be<std::uint16_t, offsetof(nfgenmsg, res_id)>();
  while (!body.rest().empty()) {
    Attribute attribute;
    if (!take_attribute(body, attribute)) return false;
    if (!read_attribute(attribute.type, attribute.value, record)) return false;
  }
  return true;
}

bool read_answer(Bytes body, std::uint32_t request, Answer& answer) {
  const auto error = head<sizeof(int)>(body);  // then the request's header, which we know
  if (!error) return false;
  // Only the range of errno is an errno: the negation of INT_MIN is none.
  answer = {request, -std::clamp(error.native<int, 0>(), -4095, 0)};
  return true;
}

}  // namespace

DatagramReader::Item DatagramReader::next() {
  while (!cursor_.rest().empty()) {
    const auto header = cursor_.take<sizeof(nlmsghdr)>();
    const std::size_t length =
        header ? header.native<std::uint32_t, offsetof(nlmsghdr, nlmsg_len)>() : 0;
    Bytes body;
    if (length < sizeof(nlmsghdr) || !cursor_.take(length - sizeof(nlmsghdr), body)) {
      cursor_ = Cursor({});  // where the next message starts cannot be known
      return Item::kDamaged;
    }
    cursor_.skip_up_to(padding(length));
    switch (header.native<std::uint16_t, offsetof(nlmsghdr, nlmsg_type)>()) {
      case kPacketMessage:
        return read_record(Cursor(body), record_) ? Item::kRecord : Item::kDamaged;
      case NLMSG_ERROR: {
        const auto request = header.native<std::uint32_t, offsetof(nlmsghdr, nlmsg_seq)>();
        return read_answer(body, request, answer_) ? Item::kAnswer : Item::kDamaged;
      }
      default:
        break;
    }
  }
  return Item::kEnd;
}

}  // namespace kube_nflog
