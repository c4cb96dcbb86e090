// SPDX-License-Identifier: Apache-2.0
#include "core/workload_series.h"

namespace kube_nflog {

WorkloadSeries::WorkloadSeries(std::size_t capacity)
    : capacity_(capacity), series_(capacity > 0 ? new Series[capacity] : nullptr) {}

void WorkloadSeries::add(std::string_view ns, std::string_view workload, std::string_view direction,
                         std::uint64_t count) {
  if (!enabled()) return;
  key_.assign(ns).append(1, '/').append(workload).append(1, '/').append(direction);
  auto it = known_.find(key_);
  if (it == known_.end()) {
    const std::size_t used = size_.load(std::memory_order_relaxed);
    if (used == capacity_) {
      left_out_.fetch_add(count, std::memory_order_relaxed);
      return;
    }
    Series& fresh = series_[used];
    fresh.ns = ns;
    fresh.workload = workload;
    fresh.direction = direction;
    it = known_.emplace(key_, &fresh).first;
    size_.store(used + 1, std::memory_order_release);  // from here on, its names never change
  }
  it->second->drops.fetch_add(count, std::memory_order_relaxed);
}

}  // namespace kube_nflog
