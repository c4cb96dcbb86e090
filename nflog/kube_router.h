// SPDX-License-Identifier: Apache-2.0
// What the record of a verdict by kube-router's rules (k3s': the same) says beside its packet. Used
// by nflog/policy_join, flow_causes and intake. Learned from captures of the real controllers,
// tests/fixtures/nflog/kube-router.
#pragma once

#include <cstdint>

#include "nflog/message.h"

namespace kube_nflog {

// A packet between two Pods of the node walks the chain of the one, then that of the other; which
// is first is chance. The mark says that a chain has passed it. A bit: kube-proxy has its own in
// the same mark.
inline bool passed_a_chain(const Record& record) { return (record.mark & 0x20000) != 0; }

// Whose policy denied, where the record tells. Mostly it does not: not which Pods are local, and of
// two local Pods not whose chain was first.
enum class DeniedAt : std::uint8_t { kUnknown, kSender };

struct VerdictSite {
  std::uint16_t group = 0;
  DeniedAt at = DeniedAt::kUnknown;
  bool second_chain = false;
  bool operator==(const VerdictSite&) const = default;
};

inline constexpr std::uint8_t kHookInput = 1, kHookForward = 2;  // NF_INET_* of linux/netfilter.h

// INPUT jumps to the chains of senders only. A packet that leaves the bridge it came in by has no
// other Pod of the node at its end.
inline VerdictSite site_of(const Record& record) {
  const bool leaves = record.physindev != 0 && record.physoutdev == 0;
  const bool by_sender = record.hook == kHookInput || (record.hook == kHookForward && leaves);
  return {.group = record.group,
          .at = by_sender ? DeniedAt::kSender : DeniedAt::kUnknown,
          .second_chain = passed_a_chain(record)};
}

}  // namespace kube_nflog
