// SPDX-License-Identifier: Apache-2.0
#include "core/backoff.h"

#include <algorithm>
#include <cstdint>

namespace kube_nflog {

std::chrono::milliseconds next_delay(BackoffLimits limits, unsigned attempt, double dice) {
  const std::int64_t factor = std::int64_t{1} << std::min(attempt, 20U);  // past this, max decides
  const std::chrono::milliseconds ceiling = std::min(limits.max, limits.first * factor);
  return std::chrono::milliseconds(
      static_cast<std::int64_t>(static_cast<double>(ceiling.count()) * dice));
}

}  // namespace kube_nflog
