// SPDX-License-Identifier: Apache-2.0
#include "nflog/verdict.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "nflog/calico_prefix.h"
#include "nflog/text.h"

namespace kube_nflog {
namespace {

constexpr std::size_t kMaxPrefix = 127;  // NF_LOG_PREFIXLEN without its NUL

// `by rule "…"`. Prefixes are other people's bytes: what is not printable ASCII becomes '?', a
// quote becomes ', and the length is bounded by the kernel's own limit. Empty: no clause.
std::string by_rule(std::string_view text) {
  if (text.empty()) return {};
  std::string clause = "by rule \"";
  for (const char c : text.substr(0, kMaxPrefix)) {
    const bool printable = c >= ' ' && c <= '~';
    clause += !printable ? '?' : c == '"' ? '\'' : c;
  }
  return clause += '"';
}

// k3s: each policy's chain logs this while no policy has allowed the packet *yet*; a later chain
// may allow it. Its verdict comes as a record without a prefix: see policy_join.h.
std::optional<Reading> read_k3s_hint(std::string_view prefix) {
  constexpr std::string_view kStart = "DROP by policy";
  if (!prefix.starts_with(kStart)) return std::nullopt;
  const std::string_view name = trimmed(prefix.substr(kStart.size()));
  return Reading{Ruling::kHint, std::string(is_policy_name(name) ? name : "")};
}

// Calico's `action: Log` (FelixConfiguration logPrefix as it comes): it logs and goes on, so the
// packet may well have been allowed. ": " is Calico's.
std::optional<Reading> read_calico_log(std::string_view prefix) {
  constexpr std::string_view kStart = "calico-packet";
  if (!prefix.starts_with(kStart)) return std::nullopt;
  if (prefix.ends_with(':')) prefix.remove_suffix(1);
  return Reading{Ruling::kUnknown, "logged " + by_rule(prefix)};
}

// Ours, for rules that you write yourself: `drop:namespace/policy`, with or without a colon behind.
std::optional<Reading> read_named_policy(std::string_view prefix) {
  constexpr std::string_view kStart = "drop:";
  if (!prefix.starts_with(kStart)) return std::nullopt;
  prefix.remove_prefix(kStart.size());
  if (prefix.ends_with(':')) prefix.remove_suffix(1);
  if (!is_policy_name(prefix)) return std::nullopt;
  return Reading{Ruling::kDrop, "denied by NetworkPolicy " + std::string(prefix)};
}

// The first that knows the prefix decides. kube-router and weave need no row: theirs is empty.
constexpr std::array<Dialect, 4> kDialects{read_k3s_hint, read_calico_prefix, read_calico_log,
                                           read_named_policy};

// In a log without --log-prefix.
constexpr std::array<std::string_view, 5> kDropWords{"drop", "deny", "denied", "block", "reject"};

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool says(std::string_view text, std::string_view word) {
  return std::search(text.begin(), text.end(), word.begin(), word.end(),
                     [](char a, char b) { return lower(a) == b; }) != text.end();
}

bool chosen_exactly(std::string_view text, const std::vector<std::string>& chosen) {
  return std::find(chosen.begin(), chosen.end(), text) != chosen.end();
}

bool chosen_by_star(std::string_view text, const std::vector<std::string>& chosen) {
  return std::any_of(chosen.begin(), chosen.end(), [text](std::string_view start) {
    return start.ends_with('*') && text.starts_with(start.substr(0, start.size() - 1));
  });
}

bool says_dropped(std::string_view text) {
  return std::any_of(kDropWords.begin(), kDropWords.end(),
                     [text](std::string_view word) { return says(text, word); });
}

Reading first_reading(std::string_view text) {
  for (const Dialect dialect : kDialects) {
    if (std::optional<Reading> reading = dialect(text)) return *std::move(reading);
  }
  return {Ruling::kUnknown, by_rule(text)};
}

}  // namespace

bool is_policy_name(std::string_view text) {
  constexpr std::size_t kMaxLabel = 63, kMaxSubdomain = 253;
  const auto part = [](std::string_view name, std::size_t longest, std::string_view others) {
    const bool clean = std::all_of(name.begin(), name.end(), [others](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
             others.find(c) != std::string_view::npos;
    });
    return !name.empty() && name.size() <= longest && clean;
  };
  const std::size_t slash = text.find('/');
  return slash != std::string_view::npos && part(text.substr(0, slash), kMaxLabel, "-") &&
         part(text.substr(slash + 1), kMaxSubdomain, "-.");
}

Reading read_prefix(std::string_view prefix, PrefixOrigin origin,
                    const std::vector<std::string>& chosen) {
  // The kernel's limit; a line of a log that claims more is cut, so that what is told stays short.
  const std::string_view text = trimmed(prefix.substr(0, kMaxPrefix));
  Reading reading = first_reading(text);
  const bool known = reading.ruling != Ruling::kUnknown;
  if (origin == PrefixOrigin::kNflogGroup) {
    if (!known) reading.ruling = Ruling::kDrop;
    return reading;
  }
  if (chosen_exactly(text, chosen)) {
    // Whoever names it whole means it, also where a dialect knows better.
    if (reading.ruling == Ruling::kHint || reading.ruling == Ruling::kAllow)
      reading.text = by_rule(text);
    reading.ruling = Ruling::kDrop;
  } else if (reading.ruling == Ruling::kDrop || !known) {
    const bool dropped =
        chosen.empty() ? known || says_dropped(text) : chosen_by_star(text, chosen);
    reading.ruling = dropped ? Ruling::kDrop : Ruling::kUnknown;
  }
  return reading;
}

Verdicts::Verdicts(PrefixOrigin origin, const std::vector<std::string>& chosen, CauseTable& causes,
                   std::size_t capacity)
    : origin_(origin), causes_(causes), capacity_(capacity) {
  for (const std::string& prefix : chosen) chosen_.emplace_back(trimmed(prefix));
}

Verdict Verdicts::of(std::string_view prefix) {
  if (const auto it = known_.find(prefix); it != known_.end()) return it->second;
  const Reading reading = read_prefix(prefix, origin_, chosen_);
  Verdict verdict{reading.ruling, nullptr};
  if (known_.size() >= capacity_) {
    ++beyond_capacity_;
    if (verdict.ruling == Ruling::kDrop) verdict.cause = causes_.intern(CauseTable::kOverflow);
    return verdict;
  }
  if (verdict.ruling == Ruling::kDrop || verdict.ruling == Ruling::kHint) {
    verdict.cause = causes_.intern(reading.text);
    const bool nameless = verdict.cause != nullptr && verdict.cause->clause != reading.text;
    if (verdict.ruling == Ruling::kHint && nameless) verdict.cause = nullptr;
  }
  known_.emplace(prefix, verdict);
  return verdict;
}

}  // namespace kube_nflog
