// SPDX-License-Identifier: Apache-2.0
// Noise: drops that no app owner should hear of. Used by core/ingest, for every source alike.
#pragma once

#include <optional>
#include <vector>

#include "core/cidr.h"
#include "core/drop.h"
#include "core/metrics.h"

namespace kube_nflog {

// Each kind of noise is set aside unless it is asked for.
struct NoiseOptions {
  bool report_mid_stream = false;
  bool report_dhcp = false;
  bool report_mdns = false;
  bool report_multicast = false;
  bool report_broadcast = false;
  std::vector<Cidr> ignore;  // either end within one of these: not told
};

// Why this drop makes no Event, if it is noise. Pure.
std::optional<Why> noise(const Drop& drop, const NoiseOptions& options);

}  // namespace kube_nflog
