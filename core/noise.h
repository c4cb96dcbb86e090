// SPDX-License-Identifier: Apache-2.0
// Noise: drops that no app owner should hear of. Used by core/ingest, for every source alike.
#pragma once

#include <optional>

#include "core/drop.h"
#include "core/metrics.h"

namespace kube_nflog {

struct NoiseOptions {
  bool report_mid_stream = false;
};

// Why this drop makes no Event, if it is noise. Pure.
std::optional<Why> noise(const Drop& drop, const NoiseOptions& options);

}  // namespace kube_nflog
