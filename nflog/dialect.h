// SPDX-License-Identifier: Apache-2.0
// A dialect: the prefixes that one kind of software gives to its logging rules, and what they say
// about the packet. The table of dialects stands in verdict.cc: a new one is a function of the kind
// below, a row there, and a test.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kube_nflog {

enum class Ruling : std::uint8_t {
  kDrop,
  kHint,     // the rule logs before the verdict is known: never an Event by itself
  kAllow,    // the rule logs a packet that goes on: allowed, or passed to further rules
  kUnknown,  // the prefix does not tell: who chose the group or the prefix decides
};

// What a prefix says. `text` is printable and bounded: the Event's clause of a kDrop or kUnknown,
// the policy's `namespace/name` of a kHint (empty: not a name).
struct Reading {
  Ruling ruling = Ruling::kUnknown;
  std::string text;
  bool operator==(const Reading&) const = default;
};

// Pure, and any bytes may come: prefixes are other people's text. `prefix` has no white space
// around it. Nothing: not this dialect.
using Dialect = std::optional<Reading> (*)(std::string_view prefix);

// `namespace/name` as Kubernetes has them: RFC 1123 label and subdomain.
bool is_policy_name(std::string_view text);

}  // namespace kube_nflog
