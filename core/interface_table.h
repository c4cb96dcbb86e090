// SPDX-License-Identifier: Apache-2.0
// InterfaceTable: gives each pair of interface names one place in memory, so that drops carry a
// pointer. Owned by a source and written on the ingest thread; what it hands out is immutable and
// reaches the deliver thread through the queue.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <unordered_set>

#include "core/interfaces.h"

namespace kube_nflog {

class InterfaceTable {
 public:
  // Lasting, and every new Pod brings a name of its own: so past `capacity` pairs of which packets
  // were dropped, the names are left out. Eleven days of a new one each minute; some 1 MB.
  explicit InterfaceTable(std::size_t capacity = 16'384) : capacity_(capacity) {}

  // Null: no room for a new pair.
  const Interfaces* intern(const Interfaces& pair) {
    if (const auto it = pairs_.find(pair); it != pairs_.end()) return &*it;
    return pairs_.size() < capacity_ ? &*pairs_.insert(pair).first : nullptr;
  }
  std::size_t size() const { return pairs_.size(); }

 private:
  struct Hash {
    std::size_t operator()(const Interfaces& pair) const {
      std::uint64_t h = 0;
      for (const std::uint64_t word : std::bit_cast<std::array<std::uint64_t, 4>>(pair)) {
        h = (std::rotl(h, 29) ^ word) * 0x9e3779b97f4a7c15U;
      }
      return h ^ h >> 32;
    }
  };

  std::size_t capacity_;
  std::unordered_set<Interfaces, Hash> pairs_;  // never moves its elements
};

}  // namespace kube_nflog
