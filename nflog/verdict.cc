// SPDX-License-Identifier: Apache-2.0
#include "nflog/verdict.h"

#include <algorithm>
#include <array>

#include "nflog/text.h"

namespace kube_nflog {
namespace {

// The dialects of those who write such rules for us. The first that matches decides.
struct Dialect {
  std::string_view start;  // of the prefix
  Ruling ruling;
};
constexpr std::array kDialects{
    // k3s: each policy's chain logs this while no policy has allowed the packet *yet*; a later
    // chain may
    // allow it. Its verdict comes as a record without a prefix.
    Dialect{"DROP by policy ", Ruling::kHint},
};

// In a log without --log-prefix.
constexpr std::array<std::string_view, 5> kDropWords{"drop", "deny", "denied", "block", "reject"};

constexpr std::size_t kMaxPrefix = 127;  // NF_LOG_PREFIXLEN without its NUL

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool says(std::string_view text, std::string_view word) {
  return std::search(text.begin(), text.end(), word.begin(), word.end(),
                     [](char a, char b) { return lower(a) == b; }) != text.end();
}

}  // namespace

Ruling rule_on(std::string_view prefix, PrefixOrigin origin,
               const std::vector<std::string>& chosen) {
  const std::string_view text = trimmed(prefix);
  if (origin == PrefixOrigin::kLog &&
      std::find(chosen.begin(), chosen.end(), text) != chosen.end()) {
    return Ruling::kDrop;
  }
  for (const Dialect& dialect : kDialects) {
    if (text.starts_with(dialect.start)) return dialect.ruling;
  }
  if (origin == PrefixOrigin::kNflogGroup) return Ruling::kDrop;
  const bool dropped = chosen.empty() && std::any_of(kDropWords.begin(), kDropWords.end(),
                                                     [&](auto word) { return says(text, word); });
  return dropped ? Ruling::kDrop : Ruling::kUnknown;
}

std::string clause_of(std::string_view prefix) {
  const std::string_view text = trimmed(prefix).substr(0, kMaxPrefix);
  if (text.empty()) return {};
  std::string clause = "by rule \"";
  for (const char c : text) {
    const bool printable = c >= ' ' && c <= '~';
    clause += !printable ? '?' : c == '"' ? '\'' : c;
  }
  return clause += '"';
}

Verdicts::Verdicts(PrefixOrigin origin, const std::vector<std::string>& chosen, CauseTable& causes,
                   std::size_t capacity)
    : origin_(origin), causes_(causes), capacity_(capacity) {
  for (const std::string& prefix : chosen) chosen_.emplace_back(trimmed(prefix));
}

Verdict Verdicts::of(std::string_view prefix) {
  if (const auto it = known_.find(prefix); it != known_.end()) return it->second;
  Verdict verdict{rule_on(prefix, origin_, chosen_), nullptr};
  if (known_.size() >= capacity_) {
    ++beyond_capacity_;
    if (verdict.ruling == Ruling::kDrop) verdict.cause = causes_.intern(CauseTable::kOverflow);
    return verdict;
  }
  if (verdict.ruling == Ruling::kDrop) verdict.cause = causes_.intern(clause_of(prefix));
  known_.emplace(prefix, verdict);
  return verdict;
}

}  // namespace kube_nflog
