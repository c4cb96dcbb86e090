// SPDX-License-Identifier: Apache-2.0
// Fuzz target: any packet, cut short by any amount, says the same as the whole one or less.
#include "nflog/packet.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kube_nflog;
  if (size == 0) return 0;
  const std::uint16_t ether_type = data[0] >> 4 == 6 ? kEtherTypeIpv6 : kEtherTypeIpv4;
  const Bytes packet = std::as_bytes(std::span(data, size));
  Drop whole;
  if (!decode_packet(ether_type, packet, whole)) return 0;
  for (std::size_t n = 0; n < size; ++n) {
    Drop cut;
    if (!decode_packet(ether_type, packet.first(n), cut)) continue;
    if (cut.key.src != whole.key.src || cut.key.dst != whole.key.dst) std::abort();
    if (cut.key.detail_kind != Detail::kNone && !(cut.key == whole.key)) std::abort();
  }
  return 0;
}
