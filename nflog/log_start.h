// SPDX-License-Identifier: Apache-2.0
// LogStart: where a log source begins to read. Made by open_source of what --state-dir holds.
#pragma once

#include <optional>
#include <string>

#include "core/clock.h"

namespace kube_nflog {

struct LogStart {
  bool is_kept = false;                   // a next process will be told where this one came to
  std::optional<std::string> position{};  // of an earlier process; none: begin at the end
  SystemTime kept_at{};                   // when that one stored it

  // For the end of "Reading …".
  const char* hint() const {
    return is_kept ? "." : "; --state-dir would let it go on from where it was.";
  }
};

}  // namespace kube_nflog
