// SPDX-License-Identifier: Apache-2.0
// What to do about a log whose lines do not say that they are drops. Used by nflog/log_intake.
#pragma once

#include <string>
#include <string_view>

namespace kube_nflog {

// One line for the operator: that `prefix` (trimmed) does not count, and the flag with which it
// would. Pure; printable and bounded, whatever the prefix holds.
std::string prefix_advice(std::string_view prefix);

}  // namespace kube_nflog
