// SPDX-License-Identifier: Apache-2.0
// Exponential backoff with full jitter, pure. Used by every retry: watch, writes, look-ups.
#pragma once

#include <chrono>

namespace kube_nflog {

struct BackoffLimits {
  std::chrono::milliseconds first{800};
  std::chrono::milliseconds max{30'000};
};

// The wait before retry number `attempt` (0 = the first): a uniform share of min(max, first *
// 2^attempt). `dice` is uniform in [0, 1). Full jitter spreads a fleet that failed in one instant
// over the whole interval.
std::chrono::milliseconds next_delay(BackoffLimits limits, unsigned attempt, double dice);

}  // namespace kube_nflog
