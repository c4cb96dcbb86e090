// SPDX-License-Identifier: Apache-2.0
// When a file was written to last. Used by core/state_file and nflog/rotated_files.
#pragma once

#include <sys/stat.h>

#include <chrono>

#include "core/clock.h"

namespace kube_nflog {

inline SystemTime modified_at(const struct stat& status) {
  using namespace std::chrono;
  return SystemTime(seconds(status.st_mtim.tv_sec) +
                    floor<microseconds>(nanoseconds(status.st_mtim.tv_nsec)));
}

}  // namespace kube_nflog
