// SPDX-License-Identifier: Apache-2.0
// metav1.Time as text: RFC 3339, whole seconds, always Z. Used by event_json and the text table.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/clock.h"

namespace kube_nflog {

// Cut to the second. Years outside 1970..9999 become the nearest one inside.
std::string to_rfc3339(SystemTime time);
// Takes what the API server writes: YYYY-MM-DDTHH:MM:SS[.fraction]Z; the fraction is dropped.
std::optional<SystemTime> parse_rfc3339(std::string_view text);

}  // namespace kube_nflog
