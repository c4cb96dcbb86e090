// SPDX-License-Identifier: Apache-2.0
// rtnetlink messages for the tests: as the kernel sent them (tests/fuzz/corpus/link: Linux 6.18, a
// veth pair made, listed, renamed, bridged and deleted), and made by hand.
#pragma once

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "nflog/link_message.h"
#include "tests/nflog/bytes.h"

namespace kube_nflog::test {

inline Buffer captured_link(const std::string& name) {
  std::ifstream file(FIXTURES "../fuzz/corpus/link/" + name, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  Buffer out(text.size());
  std::transform(text.begin(), text.end(), out.begin(), [](char c) { return std::byte(c); });
  return out;
}

constexpr std::uint16_t kNewLink = 16, kDelLink = 17, kDone = 3;

// The name is an IFLA_IFNAME (3) with its NUL.
inline Buffer link_message(std::uint16_t type, int index, std::string_view name,
                           std::uint8_t family = 0) {
  Buffer body{std::byte(family)};
  body.resize(4);
  put_native(body, index);
  body.resize(16);
  Buffer text(as_bytes(name).begin(), as_bytes(name).end());
  text.push_back(std::byte{0});
  const Buffer more = attribute(1, hex("020000000001")), ifname = attribute(3, text);
  return message(type, joined({body, more, ifname}));
}

// What a datagram says, in words: "2 eth0, 3 gone, partial".
inline std::string told(Bytes datagram) {
  LinkReader reader(datagram);
  std::string out;
  for (LinkReader::Item item; (item = reader.next()) != LinkReader::Item::kEnd;) {
    if (!out.empty()) out += ", ";
    switch (item) {
      case LinkReader::Item::kLink:
        out += std::to_string(reader.link().index) + ' ';
        out += reader.link().name.empty() ? "gone" : reader.link().name.view();
        break;
      case LinkReader::Item::kDone:
        out += "done";
        break;
      case LinkReader::Item::kPartial:
      case LinkReader::Item::kEnd:
        out += "partial";
        break;
    }
  }
  return out;
}

}  // namespace kube_nflog::test
