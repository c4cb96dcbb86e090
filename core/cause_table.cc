// SPDX-License-Identifier: Apache-2.0
#include "core/cause_table.h"

namespace kube_nflog {

const Cause* CauseTable::intern(std::string_view clause) {
  if (clause.empty()) return nullptr;
  if (const auto it = by_clause_.find(clause); it != by_clause_.end()) return it->second;
  if (causes_.size() >= capacity_ && clause != kOverflow) return intern(kOverflow);
  const Cause& cause = causes_.emplace_back(Cause{std::string(clause)});
  by_clause_.emplace(cause.clause, &cause);
  if (clause == kOverflow) overflow_ = &cause;
  return &cause;
}

}  // namespace kube_nflog
