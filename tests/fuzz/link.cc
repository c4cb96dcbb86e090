// SPDX-License-Identifier: Apache-2.0
// Fuzz target: any rtnetlink datagram names interfaces by what can be printed, and only those that
// can exist.
#include <cstdint>
#include <cstdlib>

#include "nflog/link_message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kube_nflog;
  LinkReader reader(std::as_bytes(std::span(data, size)));
  for (LinkReader::Item item; (item = reader.next()) != LinkReader::Item::kEnd;) {
    if (item != LinkReader::Item::kLink) continue;
    if (reader.link().index == 0 || reader.link().index > INT32_MAX) std::abort();
    const std::string_view name = reader.link().name.view();
    if (name.size() > InterfaceName::kMax || name.empty() != reader.link().name.empty())
      std::abort();
    for (const char c : name) {
      if (c <= ' ' || c > '~') std::abort();
    }
  }
  return 0;
}
