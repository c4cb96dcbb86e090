// SPDX-License-Identifier: Apache-2.0
// start_up_pages: gives memory back that only the start needed. Called by main, once.
#pragma once

#include <cstddef>

namespace kube_nflog {

// Tells the kernel that the program's text and constants, and its libraries', are not needed for
// now (MADV_PAGEOUT, Linux 5.4), and unmaps those that other processes use as well, which that
// leaves alone. Most of it is relocation and initialisation of fifty libraries, half of what the
// process takes; what runs after all comes back from the page cache, or from disk, in a moment.
// Nothing that was written to is touched, but for what malloc keeps unused. Returns how many bytes
// the kernel was told of: 0, it does not know how.
std::size_t give_back_start_up_pages();

}  // namespace kube_nflog
