// SPDX-License-Identifier: Apache-2.0
#include "nflog/verdict.h"

#include <algorithm>
#include <array>
#include <optional>

#include "nflog/calico_prefix.h"
#include "nflog/text.h"

namespace kube_nflog {
namespace {

// `by rule "…"`; no prefix, no clause.
void add_rule(Clause& clause, std::string_view text) {
  if (!text.empty()) clause.say("by rule \"").quote(text).say("\"");
}

// k3s: each policy's chain logs this while no policy has allowed the packet *yet*; a later chain
// may allow it. Its verdict comes as a record without a prefix: see policy_join.h.
std::optional<Reading> read_k3s_hint(std::string_view prefix) {
  constexpr std::string_view kStart = "DROP by policy";
  if (!prefix.starts_with(kStart)) return std::nullopt;
  const std::string_view name = trimmed(prefix.substr(kStart.size()));
  Reading hint{Ruling::kHint};
  if (is_policy_name(name)) hint.clause.quote(name);
  return hint;
}

// Calico's `action: Log` (FelixConfiguration logPrefix as it comes): it logs and goes on, so the
// packet may well have been allowed. ": " is Calico's.
std::optional<Reading> read_calico_log(std::string_view prefix) {
  constexpr std::string_view kStart = "calico-packet";
  if (!prefix.starts_with(kStart)) return std::nullopt;
  if (prefix.ends_with(':')) prefix.remove_suffix(1);
  Reading logged{Ruling::kUnknown};
  logged.clause.say("logged ");
  add_rule(logged.clause, prefix);
  return logged;
}

// Ours, for rules that you write yourself: `drop:namespace/policy`, with or without a colon behind.
std::optional<Reading> read_named_policy(std::string_view prefix) {
  constexpr std::string_view kStart = "drop:";
  if (!prefix.starts_with(kStart)) return std::nullopt;
  prefix.remove_prefix(kStart.size());
  Reading drop{Ruling::kDrop};
  drop.ends_in_name = !prefix.ends_with(':');
  if (!drop.ends_in_name) prefix.remove_suffix(1);
  if (!is_policy_name(prefix)) return std::nullopt;
  drop.clause.say("denied by NetworkPolicy ").quote(prefix);
  return drop;
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

bool has_word(std::string_view text, std::string_view word) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(kSpace), text.size());
    if (text.substr(0, end) == word) return true;
    text = trimmed(text.substr(end));
  }
  return false;
}

bool chosen_exactly(std::string_view text, const ChosenPrefixes& chosen) {
  if (std::find(chosen.whole.begin(), chosen.whole.end(), text) != chosen.whole.end()) return true;
  return !chosen.word.empty() && (text == chosen.word || has_word(text, chosen.word));
}

bool chosen_by_star(std::string_view text, const ChosenPrefixes& chosen) {
  return std::any_of(chosen.whole.begin(), chosen.whole.end(), [text](std::string_view start) {
    return start.ends_with('*') && text.starts_with(start.substr(0, start.size() - 1));
  });
}

bool says_dropped(std::string_view text) {
  return std::any_of(kDropWords.begin(), kDropWords.end(),
                     [text](std::string_view word) { return says(text, word); });
}

// Of few prefixes in turn, as rules of one kind log them, each has mostly a place to itself.
std::size_t place_of(std::string_view prefix) {
  if (prefix.empty()) return 0;
  const auto byte = [](char c) { return std::size_t{static_cast<unsigned char>(c)}; };
  return prefix.size() + 3 * byte(prefix.front()) + 5 * byte(prefix.back());
}

std::optional<Reading> read_by_dialect(std::string_view text) {
  for (const Dialect dialect : kDialects) {
    if (const std::optional<Reading> reading = dialect(text)) return reading;
  }
  return std::nullopt;
}

// iptables cuts a prefix that is too long for its target, and says nothing: LOG's to 29 characters,
// NFLOG's to 63, iptables-nft NFLOG's to 127. nft refuses it. A name that just fits is taken for
// one that was cut, since nothing tells them apart.
bool may_be_cut(std::string_view prefix, std::string_view text, PrefixOrigin origin) {
  if (prefix.substr(0, kMaxPrefix).back() != text.back())
    return false;  // of white space, if at all
  if (origin == PrefixOrigin::kLog) return prefix.size() == 29 || prefix.size() > kMaxPrefix;
  return prefix.size() == 63 || prefix.size() >= kMaxPrefix;
}

Reading read_as_rule(std::string_view text) {
  Reading unknown;
  add_rule(unknown.clause, text);
  return unknown;
}

}  // namespace

Reading read_prefix(std::string_view prefix, PrefixOrigin origin, const ChosenPrefixes& chosen) {
  // The kernel's limit; a line of a log that claims more is cut, so that what is told stays short.
  const std::string_view text = trimmed(prefix.substr(0, kMaxPrefix));
  const std::optional<Reading> by_dialect = read_by_dialect(text);
  Reading reading = by_dialect ? *by_dialect : read_as_rule(text);
  if (reading.ends_in_name && may_be_cut(prefix, text, origin)) reading.clause.say("…");
  const bool known = reading.ruling != Ruling::kUnknown;
  if (origin == PrefixOrigin::kNflogGroup) {
    if (!known) reading.ruling = Ruling::kDrop;
    return reading;
  }
  if (chosen_exactly(text, chosen)) {
    // Whoever names it means it, also where a dialect knows better.
    if (reading.ruling == Ruling::kHint || reading.ruling == Ruling::kAllow) {
      reading.clause = {};
      add_rule(reading.clause, text);
    }
    reading.ruling = Ruling::kDrop;
  } else if (reading.ruling == Ruling::kDrop || !known) {
    // Where a dialect cannot tell, a word of drops is somebody's name: "calico-packet a/deny-all".
    const bool dropped = chosen.empty() ? known || (!by_dialect && says_dropped(text))
                                        : chosen_by_star(text, chosen);
    reading.ruling = dropped ? Ruling::kDrop : Ruling::kUnknown;
  }
  return reading;
}

Verdicts::Verdicts(PrefixOrigin origin, const ChosenPrefixes& chosen, CauseTable& causes,
                   std::size_t capacity)
    : origin_(origin),
      chosen_{.word = std::string(trimmed(chosen.word))},
      causes_(causes),
      capacity_(capacity) {
  for (const std::string& prefix : chosen.whole) chosen_.whole.emplace_back(trimmed(prefix));
}

Verdict Verdicts::of(std::string_view prefix) {
  const Known*& recent = recent_[place_of(prefix) % recent_.size()];
  if (recent != nullptr && recent->first == prefix) return recent->second;
  if (const auto it = known_.find(prefix); it != known_.end()) {
    recent = &*it;
    return it->second;
  }
  const Reading reading = read_prefix(prefix, origin_, chosen_);
  if (known_.size() >= capacity_) {
    ++beyond_capacity_;
    return {reading.ruling, reading.ruling == Ruling::kDrop ? overflow() : nullptr};
  }
  recent = &*known_.emplace(prefix, Verdict{reading.ruling, cause_of(reading)}).first;
  return recent->second;
}

const Cause* Verdicts::cause_of(const Reading& reading) {
  if (reading.ruling != Ruling::kDrop && reading.ruling != Ruling::kHint) return nullptr;
  const std::string text = reading.clause.text();
  const Cause* cause = causes_.intern(text);
  // No innocent is named for want of room.
  const bool other = cause != nullptr && cause->clause != text;
  return reading.ruling == Ruling::kHint && other ? nullptr : cause;
}

const Cause* Verdicts::overflow() {
  if (overflow_ == nullptr) overflow_ = causes_.intern(CauseTable::kOverflow);
  return overflow_;
}

}  // namespace kube_nflog
