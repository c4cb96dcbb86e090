// SPDX-License-Identifier: Apache-2.0
// The two clocks. Wall time stamps packets and Events; steady time drives every schedule.
// Policies never read a clock: time comes in as an argument.
#pragma once

#include <chrono>

namespace kube_nflog {

using SystemTime = std::chrono::sys_time<std::chrono::microseconds>;
using SteadyTime = std::chrono::steady_clock::time_point;

// One moment by both: what happened at some wall time was so long ago.
struct Moment {
  SteadyTime steady{};
  SystemTime wall{};
};

inline SystemTime system_now() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}
inline SteadyTime steady_now() { return std::chrono::steady_clock::now(); }

}  // namespace kube_nflog
