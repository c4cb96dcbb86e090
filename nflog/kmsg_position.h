// SPDX-License-Identifier: Apache-2.0
// Where in the kernel's log to go on: a sequence number, which means something during one boot
// only. Pure. Used by nflog/kmsg_source for core/state_file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kube_nflog {

// `next` is the first record that was not read.
std::string kmsg_position(std::string_view boot_id, std::uint64_t next);

struct KmsgStart {
  std::uint64_t next = 0;
  std::string from;      // for the log, after "Reading … from"
  bool resumed = false;  // as kept
};

// `kept`: a kmsg_position(), or what stands in its place; none: nothing was kept. `end`: the record
// that the log will have next. Of another boot: everything is new, from the first record of this
// one.
KmsgStart kmsg_start(const std::optional<std::string>& kept, std::string_view boot_id,
                     std::uint64_t end);

}  // namespace kube_nflog
