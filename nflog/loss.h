// SPDX-License-Identifier: Apache-2.0
// SeqGap: how many records the kernel dropped between two that arrived. Used by nflog/intake, one
// per bound group. Exact, because NFULNL_CFG_F_SEQ numbers every record that was built, also those
// that the full socket then refused (net/netfilter/nfnetlink_log.c).
#pragma once

#include <cstdint>

namespace kube_nflog {

class SeqGap {
 public:
  // The records lost just before this one. The first record after a bind tells of those lost before
  // it too: the kernel counts from 0 at each bind.
  std::uint32_t see(std::uint32_t seq) {
    const std::uint32_t lost = seq - next_;  // unsigned: survives the wrap-around
    next_ = seq + 1;
    return lost < kStepBack ? lost : 0;
  }

 private:
  // Half the circle: a step back, which no loss explains.
  static constexpr std::uint32_t kStepBack = 0x8000'0000;
  std::uint32_t next_ = 0;
};

}  // namespace kube_nflog
