// SPDX-License-Identifier: Apache-2.0
// One record of /dev/kmsg, the kernel's log. Pure, no allocation. Used by nflog/kmsg_source.
// Format: Documentation/ABI/testing/dev-kmsg, `PRIO,SEQUENCE,USEC,FLAG[,…];MESSAGE\n`, then lines
// of ` KEY=VALUE`.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace kube_nflog {

struct KmsgRecord {
  std::uint64_t sequence = 0;          // one more than that of the record before; 0 at boot
  std::chrono::microseconds uptime{};  // by printk's clock: without the time in suspend
  // False: a process wrote it to /dev/kmsg. The kernel does not let it claim otherwise.
  bool of_kernel = false;
  std::string_view message;
};

// Nothing: not such a record. The message stands in `bytes`, where its escapes (`\x0a`) were
// undone.
std::optional<KmsgRecord> read_kmsg_record(std::span<char> bytes);

}  // namespace kube_nflog
