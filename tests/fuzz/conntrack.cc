// SPDX-License-Identifier: Apache-2.0
// Fuzz target: any conntrack attribute on a packet tells an address of the packet's own sender's
// call, other than where the packet goes, or nothing.
#include "nflog/conntrack.h"

#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kube_nflog;
  const Bytes attribute = std::as_bytes(std::span(data, size));
  Drop drop;  // 10.42.0.11:36943 to 10.42.0.10:8080, as in the corpus
  drop.key.src = *IpAddr::parse("10.42.0.11");
  drop.key.dst = *IpAddr::parse("10.42.0.10");
  drop.key.protocol = IPPROTO_TCP;
  drop.key.detail_kind = Detail::kPort;
  drop.key.detail = 8080;
  drop.src_port = 36943;
  Drop answer = drop;
  std::swap(answer.key.src, answer.key.dst);
  std::swap(answer.key.detail, answer.src_port);
  Drop portless = drop;
  portless.key.detail_kind = Detail::kNone;

  const auto told = original_destination(attribute, drop);
  if (told && told->address == drop.key.dst && told->port == drop.key.detail) std::abort();
  if (told && original_destination(attribute, answer)) std::abort();  // one direction only
  const auto bare = original_destination(attribute, portless);
  if (bare && (bare->port != 0 || bare->address == drop.key.dst)) std::abort();
  if (told && bare && told->address != bare->address) std::abort();
  return 0;
}
