// SPDX-License-Identifier: Apache-2.0
// Makes other people's text (rule prefixes, label values, API answers) safe to put into an Event, a
// table, the log or a finding of --check.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kube_nflog {

// Valid UTF-8 of at most `max_bytes` (>= 3): what is not, and every control character (C0, DEL, C1,
// line and paragraph separators, bidirectional overrides), becomes '?'; a text too long ends in
// "…".
std::string printable(std::string_view text, std::size_t max_bytes);

// The same of text that may be several lines of ours: control characters become spaces.
std::string on_one_line(std::string_view text, std::size_t max_bytes);

// In JSON, between the quotes: of printable text.
std::string json_escaped(std::string_view text);

}  // namespace kube_nflog
