// SPDX-License-Identifier: Apache-2.0
// What the prefix of a logging rule says about its packet: dropped and why, a hint, allowed. The
// dialects stand in one table in verdict.cc. Used by nflog/intake and nflog/log_intake on the
// ingest thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/cause_table.h"
#include "core/drop.h"
#include "nflog/dialect.h"

namespace kube_nflog {

struct Verdict {
  Ruling ruling = Ruling::kUnknown;
  // Of a drop: why; null: the rule gives no reason. Of a hint: the policy it names, as a cause for
  // its lasting address; null: it names none.
  const Cause* cause = nullptr;
};

// Where a prefix comes from decides what silence means: an NFLOG group was chosen for its drops, a
// log file holds whatever rules say.
enum class PrefixOrigin : std::uint8_t { kNflogGroup, kLog };

// Which prefixes of a log mean dropped. Empty: those that say drop, deny, block or reject.
struct ChosenPrefixes {
  // --log-prefix; `*` at an end stands for any rest, except what a dialect knows to be no drop.
  std::vector<std::string> whole = {};
  std::string word = {};  // --log-word: prefixes that are this, or of which this is one word

  bool empty() const { return whole.empty() && word.empty(); }
};

// Pure. Never kUnknown for a group: a prefix that no dialect knows is a drop `by rule "…"`.
// `chosen` is for a log, and trimmed. No allocation.
Reading read_prefix(std::string_view prefix, PrefixOrigin origin, const ChosenPrefixes& chosen);

// The same, each distinct prefix judged once, and those of the last packets found without a hash.
class Verdicts {
 public:
  // `causes` must outlive this. Past `capacity` distinct prefixes a further one is judged each
  // time, and its cause is CauseTable::kOverflow: hostile prefixes cost neither memory nor an
  // allocation.
  Verdicts(PrefixOrigin origin, const ChosenPrefixes& chosen, CauseTable& causes,
           std::size_t capacity = 1024);

  Verdict of(std::string_view prefix);

  std::size_t size() const { return known_.size(); }
  std::uint64_t beyond_capacity() const { return beyond_capacity_; }  // prefixes judged each time

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  using Table = std::unordered_map<std::string, Verdict, Hash, std::equal_to<>>;
  using Known = Table::value_type;

  const Cause* cause_of(const Reading& reading);
  const Cause* overflow();

  PrefixOrigin origin_;
  ChosenPrefixes chosen_;
  CauseTable& causes_;
  std::size_t capacity_;
  std::uint64_t beyond_capacity_ = 0;
  Table known_;                            // never forgets, so its elements stay where they are
  std::array<const Known*, 16> recent_{};  // the prefix that was last at each place
  const Cause* overflow_ = nullptr;
};

}  // namespace kube_nflog
