// SPDX-License-Identifier: Apache-2.0
// Bytes for the tests of nflog/: from hex, from the captured fixtures, and netlink messages made by
// hand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "nflog/cursor.h"

namespace kube_nflog::test {

using Buffer = std::vector<std::byte>;

inline Buffer hex(std::string_view text) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
  Buffer out;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == ' ' || text[i] == '\n') {
      ++i;
      continue;
    }
    out.push_back(static_cast<std::byte>(digit(text[i]) << 4 | digit(text[i + 1])));
    i += 2;
  }
  return out;
}

inline std::vector<std::string> lines(const std::string& fixture) {
  std::ifstream file(FIXTURES + fixture);
  std::vector<std::string> out;
  for (std::string line; std::getline(file, line);) out.push_back(line);
  return out;
}

// The bytes after `key` on every line of a fixture that has it, such as "    RAW e80000…".
inline std::vector<Buffer> captured(const std::string& fixture, std::string_view key = " RAW ") {
  std::vector<Buffer> out;
  for (const std::string& line : lines(fixture)) {
    if (const std::size_t at = line.find(key); at != std::string::npos) {
      out.push_back(hex(std::string_view(line).substr(at + key.size())));
    }
  }
  return out;
}

inline void put16be(Buffer& out, std::uint16_t v) {
  out.push_back(std::byte(v >> 8));
  out.push_back(std::byte(v & 0xff));
}
inline void put32be(Buffer& out, std::uint32_t v) {
  put16be(out, static_cast<std::uint16_t>(v >> 16));
  put16be(out, static_cast<std::uint16_t>(v & 0xffff));
}
template <class T>
void put_native(Buffer& out, T v) {
  const auto* p = reinterpret_cast<const std::byte*>(&v);
  out.insert(out.end(), p, p + sizeof v);
}

inline Buffer attribute(std::uint16_t type, Bytes value) {
  Buffer out;
  put_native(out, static_cast<std::uint16_t>(4 + value.size()));
  put_native(out, type);
  out.insert(out.end(), value.begin(), value.end());
  out.resize((out.size() + 3) / 4 * 4);
  return out;
}

inline Buffer message(std::uint16_t type, Bytes body, std::uint32_t seq = 0) {
  Buffer out;
  put_native(out, static_cast<std::uint32_t>(16 + body.size()));
  put_native(out, type);
  put_native(out, std::uint16_t{0});
  put_native(out, seq);
  put_native(out, std::uint32_t{0});
  out.insert(out.end(), body.begin(), body.end());
  out.resize((out.size() + 3) / 4 * 4);
  return out;
}

// The value of NFULA_CT as ctnetlink_glue_build() lays it out: both tuples, then what is not for
// us. Nested attributes carry NLA_F_NESTED. Addresses in hex; no ports where `dst_port` is 0.
struct ConntrackSpec {
  Buffer src, dst;
  std::uint8_t protocol = 6;
  std::uint16_t src_port = 0, dst_port = 0;
};

inline Buffer conntrack_tuple(std::uint16_t type, const ConntrackSpec& spec) {
  constexpr std::uint16_t kNested = 0x8000;
  const auto put = [](Buffer& out, std::uint16_t t, Bytes value) {
    const Buffer a = attribute(t, value);
    out.insert(out.end(), a.begin(), a.end());
  };
  const std::uint16_t first = spec.src.size() == 4 ? 1 : 3;  // CTA_IP_V4_SRC, CTA_IP_V6_SRC
  Buffer ip, protocol, tuple;
  put(ip, first, spec.src);
  put(ip, first + 1, spec.dst);
  put(protocol, 1, Buffer{std::byte(spec.protocol)});
  if (spec.dst_port != 0) {
    Buffer port;
    put16be(port, spec.src_port);
    put(protocol, 2, port);
    port.clear();
    put16be(port, spec.dst_port);
    put(protocol, 3, port);
  }
  put(tuple, kNested | 1, ip);
  put(tuple, kNested | 2, protocol);
  return attribute(kNested | type, tuple);
}

inline Buffer conntrack(const ConntrackSpec& original, const ConntrackSpec& reply) {
  Buffer out = conntrack_tuple(1, original);
  const Buffer back = conntrack_tuple(2, reply);
  out.insert(out.end(), back.begin(), back.end());
  const Buffer status = attribute(3, hex("00000028"));  // CTA_STATUS: DST_NAT and more
  out.insert(out.end(), status.begin(), status.end());
  return out;
}

struct RecordSpec {
  std::uint16_t group = 100;
  std::uint8_t family = 2;
  std::uint32_t seq = 0;
  std::string prefix = {};
  Buffer payload = {};
  std::uint32_t mark = 0;
  std::uint16_t ether_type = 0;  // 0: the family's
  Buffer conntrack = {};
  Buffer more = {};  // whole attributes, put before the payload
};

inline Bytes as_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

// As the kernel lays it out, without the link-layer attributes.
inline Buffer record(const RecordSpec& spec) {
  Buffer body{std::byte(spec.family), std::byte{0}};
  put16be(body, spec.group);
  const auto add = [&body](std::uint16_t type, Bytes value) {
    const Buffer a = attribute(type, value);
    body.insert(body.end(), a.begin(), a.end());
  };
  Buffer header;
  const std::uint16_t of_family = spec.family == 10 ? 0x86dd : 0x0800;
  put16be(header, spec.ether_type != 0 ? spec.ether_type : of_family);
  put16be(header, 0x0200);  // hook 2
  Buffer seq;
  put32be(seq, spec.seq);
  add(1, header);
  add(10, as_bytes(std::string_view(spec.prefix.c_str(), spec.prefix.size() + 1)));
  Buffer mark;
  put32be(mark, spec.mark);
  if (spec.mark != 0) add(2, mark);
  add(12, seq);
  if (!spec.conntrack.empty()) add(0x8000 | 18, spec.conntrack);
  body.insert(body.end(), spec.more.begin(), spec.more.end());
  add(9, spec.payload);
  return message(0x0400, body);
}

inline Buffer joined(std::initializer_list<Buffer> parts) {
  Buffer out;
  for (const Buffer& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

// A TCP SYN 10.42.0.11:36943 -> 10.42.0.10:8080.
inline Buffer syn() {
  return hex(
      "4500003cfc1a40003f062a30 0a2a000b 0a2a000a 904f1f90c5fa92aa00000000a002faf015a00000"
      "020405b40402080a2c5cc8af000000000103030a");
}

}  // namespace kube_nflog::test
