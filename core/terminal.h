// SPDX-License-Identifier: Apache-2.0
// What a descriptor that people may be looking at can do. Used by main() for --check and by
// k8s/cluster for the table of --format=text.
#pragma once

#include <cstddef>

namespace kube_nflog {

struct Terminal {
  bool is_terminal = false;
  bool colour = false;  // a terminal that has it, and NO_COLOR (no-color.org) is not set
  std::size_t columns = 0, rows = 0;  // 0: not known, or no terminal
};

// As of now. Reads NO_COLOR and TERM.
Terminal terminal_of(int fd);

}  // namespace kube_nflog
