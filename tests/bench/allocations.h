// SPDX-License-Identifier: Apache-2.0
// How often this program has asked for memory. Any thread. Used by the benchmarks, and by tests of
// nflog and core.
#pragma once

#include <cstdint>

namespace kube_nflog {

std::uint64_t allocations();

}  // namespace kube_nflog
