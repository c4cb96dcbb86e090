// SPDX-License-Identifier: Apache-2.0
// Heartbeat: a loop says that it goes round; the probe server, on any thread, asks how long ago.
#pragma once

#include <atomic>
#include <chrono>

#include "core/clock.h"

namespace kube_nflog {

class Heartbeat {
 public:
  // No loop sleeps longer than this between two beats.
  static constexpr std::chrono::seconds kLongestSleep{10};

  void beat(SteadyTime now) {
    last_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  }
  // Whether a loop that is well would have beaten since. Before the first beat: true.
  bool is_late(SteadyTime now) const {
    const SteadyTime::rep last = last_.load(std::memory_order_relaxed);
    return last != 0 && now - SteadyTime(SteadyTime::duration(last)) > 6 * kLongestSleep;
  }

 private:
  std::atomic<SteadyTime::rep> last_{0};
};

}  // namespace kube_nflog
