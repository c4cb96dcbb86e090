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

struct RecordSpec {
  std::uint16_t group = 100;
  std::uint8_t family = 2;
  std::uint32_t seq = 0;
  std::string prefix = {};
  Buffer payload = {};
  std::uint32_t mark = 0;
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
  put16be(header, spec.family == 10 ? 0x86dd : 0x0800);
  put16be(header, 0x0200);  // hook 2
  Buffer seq;
  put32be(seq, spec.seq);
  add(1, header);
  add(10, as_bytes(std::string_view(spec.prefix.c_str(), spec.prefix.size() + 1)));
  Buffer mark;
  put32be(mark, spec.mark);
  if (spec.mark != 0) add(2, mark);
  add(12, seq);
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
