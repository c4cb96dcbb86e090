// SPDX-License-Identifier: Apache-2.0
// What to do about a log none of whose lines counts as a drop, or not all that may be one. Used by
// nflog/log_intake.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kube_nflog {

// One line for the operator: that `prefix` (trimmed) does not count, and the flag with which it
// would. Pure; printable and bounded, whatever the prefix holds.
std::string prefix_advice(std::string_view prefix);

// The same where prefixes were chosen, and of so many lines none has one; `prefix` is the last
// one's.
std::string chosen_advice(std::string_view prefix, std::uint64_t lines);

}  // namespace kube_nflog
