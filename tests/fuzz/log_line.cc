// SPDX-License-Identifier: Apache-2.0
// Fuzz target: any line is read or refused, and what is read has both addresses and
// printable names.
#include "nflog/log_line.h"

#include <cstdint>
#include <cstdlib>

#include "nflog/verdict.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kube_nflog;
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const std::optional<LogLine> parts = split_log_line(line);
  if (!parts) return 0;
  read_prefix(parts->prefix, PrefixOrigin::kLog, {});  // what it makes of it: see prefix.cc
  Drop drop;
  Interfaces interfaces;
  if (!decode_log_body(parts->body, drop, interfaces)) return 0;
  for (const InterfaceName& name : {interfaces.in, interfaces.out})
    for (const char c : name.view())
      if (c <= ' ' || c > '~') std::abort();
  if (drop.key.src.empty() || drop.key.src.is_v4() != drop.key.dst.is_v4()) std::abort();
  if (drop.key.detail_kind != Detail::kPort && drop.src_port != 0) std::abort();
  return 0;
}
