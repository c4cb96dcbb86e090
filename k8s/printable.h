// SPDX-License-Identifier: Apache-2.0
// Makes other people's text (rule prefixes, label values, API answers) safe to put into an Event, a
// table or the log.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kube_nflog {

// Valid UTF-8 of at most `max_bytes` (>= 3): what is not, and every control character (C0, DEL, C1,
// line and paragraph separators, bidirectional overrides), becomes '?'; a text too long ends in
// "…".
std::string printable(std::string_view text, std::size_t max_bytes);

}  // namespace kube_nflog
