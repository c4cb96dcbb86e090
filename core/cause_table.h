// SPDX-License-Identifier: Apache-2.0
// CauseTable: gives each distinct reason one address for the life of the process, so that drops
// carry a pointer instead of text. Written by the ingest thread alone; what it hands out is
// immutable and reaches the deliver thread through the queue, whose release/acquire pair publishes
// it.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/drop.h"

namespace kube_nflog {

class CauseTable {
 public:
  // Rule prefixes are other people's text: past `capacity` distinct clauses every further one
  // becomes the clause kOverflow, so hostile prefixes cannot grow memory.
  explicit CauseTable(std::size_t capacity = 4096) : capacity_(capacity) {}

  // Null for an empty clause (no reason given).
  const Cause* intern(std::string_view clause);
  std::size_t size() const { return causes_.size(); }
  // Whether this stands for others that could not be named.
  bool is_overflow(const Cause* cause) const { return cause != nullptr && cause == overflow_; }

  static constexpr std::string_view kOverflow = "by one of too many rules to name";

 private:
  std::size_t capacity_;
  std::deque<Cause> causes_;  // never moves its elements
  std::unordered_map<std::string_view, const Cause*> by_clause_;
  const Cause* overflow_ = nullptr;  // until there is one
};

}  // namespace kube_nflog
