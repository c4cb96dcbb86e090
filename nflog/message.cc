// SPDX-License-Identifier: Apache-2.0
#include "nflog/message.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>

#include <algorithm>

namespace kube_nflog {
namespace {

constexpr std::uint16_t kPacketMessage = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET;

// Netlink pads to four bytes, but the last message or attribute may come without its padding.
Bytes pad(Cursor& cursor, std::size_t used) {
  const std::size_t padding = (4 - used % 4) % 4;
  return *cursor.take(std::min(padding, cursor.rest().size()));
}

std::string_view as_string(Bytes bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return text.substr(0, text.find('\0'));
}

bool read_u32(Cursor value, std::uint32_t& out) {
  const auto bytes = value.take<4>();
  if (bytes) out = be_at<std::uint32_t, 0>(*bytes);
  return static_cast<bool>(bytes);
}

bool read_packet_header(Cursor value, Record& record) {
  const auto bytes = value.take<4>();
  if (!bytes) return false;
  record.ether_type = be_at<std::uint16_t, 0>(*bytes);
  record.hook = be_at<std::uint8_t, 2>(*bytes);
  return true;
}

bool read_time(Cursor value, Record& record) {
  const auto bytes = value.take<16>();
  if (!bytes) return false;
  const std::uint64_t seconds = be_at<std::uint64_t, 0>(*bytes);
  const std::uint64_t micros = be_at<std::uint64_t, 8>(*bytes);
  if (seconds > UINT32_MAX || micros >= 1'000'000) return false;  // keeps the sum in range
  record.time = SystemTime(std::chrono::seconds(seconds) + std::chrono::microseconds(micros));
  return true;
}

// False: shorter than its kind must be. Unknown kinds are for others.
bool read_attribute(std::uint16_t type, Bytes bytes, Record& record) {
  const Cursor value(bytes);
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
    case NFULA_SEQ:
      return read_u32(value, record.seq.emplace());
    case NFULA_PREFIX:
      record.prefix = as_string(bytes);
      return true;
    case NFULA_PAYLOAD:
      record.payload = bytes;
      return true;
    default:
      return true;
  }
}

bool read_record(Cursor body, Record& record) {
  const auto header = body.take<sizeof(nfgenmsg)>();
  if (!header) return false;
  record = Record{};
  record.family = be_at<std::uint8_t, offsetof(nfgenmsg, nfgen_family)>(*header);
  record.group = be_at<std::uint16_t, offsetof(nfgenmsg, res_id)>(*header);
  while (!body.rest().empty()) {
    const auto attribute = body.take<sizeof(nlattr)>();
    if (!attribute) return false;
    const std::size_t length = native_at<std::uint16_t, offsetof(nlattr, nla_len)>(*attribute);
    const std::uint16_t type = native_at<std::uint16_t, offsetof(nlattr, nla_type)>(*attribute);
    if (length < attribute->size()) return false;
    const auto value = body.take(length - attribute->size());
    if (!value || !read_attribute(type & NLA_TYPE_MASK, *value, record)) return false;
    pad(body, length);
  }
  return true;
}

bool read_answer(Cursor body, std::uint32_t request, Answer& answer) {
  const auto error = body.take<sizeof(int)>();  // then the request's header, which we know
  if (!error) return false;
  // Only the range of errno is an errno: the negation of INT_MIN is none.
  answer = {request, -std::clamp(native_at<int, 0>(*error), -4095, 0)};
  return true;
}

}  // namespace

DatagramReader::Item DatagramReader::next() {
  while (!cursor_.rest().empty()) {
    const auto header = cursor_.take<sizeof(nlmsghdr)>();
    const std::size_t length =
        header ? native_at<std::uint32_t, offsetof(nlmsghdr, nlmsg_len)>(*header) : 0;
    const Taken<Bytes> body = length < sizeof(nlmsghdr) ? Taken<Bytes>::nothing({})
                                                        : cursor_.take(length - sizeof(nlmsghdr));
    if (!body) {  // where the next message starts cannot be known
      cursor_ = Cursor({});
      return Item::kDamaged;
    }
    pad(cursor_, length);
    switch (native_at<std::uint16_t, offsetof(nlmsghdr, nlmsg_type)>(*header)) {
      case kPacketMessage:
        return read_record(Cursor(*body), record_) ? Item::kRecord : Item::kDamaged;
      case NLMSG_ERROR: {
        const auto request = native_at<std::uint32_t, offsetof(nlmsghdr, nlmsg_seq)>(*header);
        return read_answer(Cursor(*body), request, answer_) ? Item::kAnswer : Item::kDamaged;
      }
      default:
        break;
    }
  }
  return Item::kEnd;
}

}  // namespace kube_nflog
