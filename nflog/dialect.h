// SPDX-License-Identifier: Apache-2.0
// A dialect: the prefixes that one kind of software gives to its logging rules, and what they say
// about the packet. The table of dialects stands in verdict.cc: a new one is a function of the kind
// below, a row there, and a test.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kube_nflog {

inline constexpr std::size_t kMaxPrefix = 127;  // NF_LOG_PREFIXLEN without its NUL

enum class Ruling : std::uint8_t {
  kDrop,
  kHint,     // the rule logs before the verdict is known: never an Event by itself
  kAllow,    // the rule logs a packet that goes on: allowed, or passed to further rules
  kUnknown,  // the prefix does not tell: who chose the group or the prefix decides
};

// Words in pieces, put together only where they are told: a prefix that is judged and forgotten
// costs no allocation. The pieces are views, of literals and of the prefix.
class Clause {
 public:
  static constexpr std::size_t kMaxPieces = 8;  // further ones are left out

  Clause& say(std::string_view ours) { return add(ours, Origin::kOurs); }
  // Other people's bytes: what is not printable ASCII becomes '?', and a quote becomes '.
  Clause& quote(std::string_view theirs) { return add(theirs, Origin::kTheirs); }

  bool empty() const { return size_ == 0; }
  std::string text() const;

 private:
  enum class Origin : std::uint8_t { kOurs, kTheirs };

  Clause& add(std::string_view text, Origin origin) {
    if (text.empty() || size_ == kMaxPieces) return *this;
    origins_[size_] = origin;
    pieces_[size_++] = text;
    return *this;
  }

  std::size_t size_ = 0;
  std::array<std::string_view, kMaxPieces> pieces_;
  std::array<Origin, kMaxPieces> origins_{};
};

// What a prefix says. `clause` is printable and bounded: the Event's clause of a kDrop or kUnknown,
// the policy's `namespace/name` of a kHint (empty: not a name). It lives as long as the prefix.
struct Reading {
  Ruling ruling = Ruling::kUnknown;
  Clause clause = {};
  bool ends_in_name = false;  // of the prefix: where that was cut, the name was
};

// Pure, no allocation, and any bytes may come: prefixes are other people's text. `prefix` has no
// white space around it. Nothing: not this dialect.
using Dialect = std::optional<Reading> (*)(std::string_view prefix);

// `namespace/name` as Kubernetes has them: RFC 1123 label and subdomain.
bool is_policy_name(std::string_view text);

}  // namespace kube_nflog
