// SPDX-License-Identifier: Apache-2.0
// ServiceTable: gives each address that packets were sent to before DNAT one place in memory, so
// that drops carry a pointer. Owned by nflog/intake and written on the ingest thread; what it hands
// out is immutable and reaches the deliver thread through the queue.
#pragma once

#include <cstddef>
#include <unordered_set>

#include "core/drop.h"

namespace kube_nflog {

class ServiceTable {
 public:
  // A node rewrites to as many addresses as it has Services and node ports; a rule that redirects
  // everything would know no end. So past `capacity` the address is left out.
  explicit ServiceTable(std::size_t capacity = 16'384) : capacity_(capacity) {}

  // Null: no room for a new one.
  const ServiceAddress* intern(const ServiceAddress& address) {
    if (const auto it = addresses_.find(address); it != addresses_.end()) return &*it;
    return addresses_.size() < capacity_ ? &*addresses_.insert(address).first : nullptr;
  }
  std::size_t size() const { return addresses_.size(); }

 private:
  struct Hash {
    std::size_t operator()(const ServiceAddress& a) const {
      return IpAddrHash()(a.address) * 31 + a.port;
    }
  };

  std::size_t capacity_;
  std::unordered_set<ServiceAddress, Hash> addresses_;  // never moves its elements
};

}  // namespace kube_nflog
