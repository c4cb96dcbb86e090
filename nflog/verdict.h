// SPDX-License-Identifier: Apache-2.0
// What the prefix of a logging rule says about its packet: dropped, a hint, or nothing we know. The
// dialects stand in one table in verdict.cc. Used by nflog/intake and nflog/file_source on the
// ingest thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/cause_table.h"
#include "core/drop.h"

namespace kube_nflog {

enum class Ruling : std::uint8_t {
  kDrop,
  kHint,     // the rule logs before the verdict is known: never an Event by itself
  kUnknown,  // nothing says that the packet was dropped
};

struct Verdict {
  Ruling ruling = Ruling::kUnknown;
  const Cause* cause = nullptr;  // of a drop; null: the rule gives no reason
};

// Where a prefix comes from decides what silence means: an NFLOG group was chosen for its drops, a
// log file holds whatever rules say.
enum class PrefixOrigin : std::uint8_t { kNflogGroup, kLog };

// Pure: the ruling alone. `chosen` is --log-prefix, trimmed; empty in a log: the prefix must itself
// say drop, deny, block or reject.
Ruling rule_on(std::string_view prefix, PrefixOrigin origin,
               const std::vector<std::string>& chosen);

// Pure: the Event's clause, `by rule "…"`. Prefixes are other people's bytes: what is not printable
// ASCII becomes '?', a quote becomes ', and the length is bounded by the kernel's own limit. Empty:
// no clause.
std::string clause_of(std::string_view prefix);

// The same, each distinct prefix judged once: no formatting and no allocation per packet.
class Verdicts {
 public:
  // `causes` must outlive this. Past `capacity` distinct prefixes a further one is judged each
  // time, and its cause is CauseTable::kOverflow: hostile prefixes cost neither memory nor
  // formatting.
  Verdicts(PrefixOrigin origin, const std::vector<std::string>& chosen, CauseTable& causes,
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

  PrefixOrigin origin_;
  std::vector<std::string> chosen_;
  CauseTable& causes_;
  std::size_t capacity_;
  std::uint64_t beyond_capacity_ = 0;
  std::unordered_map<std::string, Verdict, Hash, std::equal_to<>> known_;
};

}  // namespace kube_nflog
