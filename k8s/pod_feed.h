// SPDX-License-Identifier: Apache-2.0
// PodFeed: what deliver must know of whoever keeps the PodIndex up to date. pod_watch is the one;
// with
// --pods=FILE there is none.
#pragma once

#include "core/clock.h"

namespace kube_nflog {

class PodFeed {
 public:
  virtual ~PodFeed() = default;
  // The index holds a whole list: an address that is not in it is no Pod of ours.
  virtual bool synced() const = 0;
  // Does what is due (retries, watchdog); never blocks.
  virtual void tick(SteadyTime now) = 0;
  virtual SteadyTime next_due() const = 0;
};

}  // namespace kube_nflog
