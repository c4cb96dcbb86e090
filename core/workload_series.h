// SPDX-License-Identifier: Apache-2.0
// WorkloadSeries: drops of each workload, for --metrics-by=workload. A fixed number of series that
// live as long as the process, so that a scrape, on another thread, reads them without a lock.
// Filled by deliver, on the deliver thread; rendered by metrics.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace kube_nflog {

class WorkloadSeries {
 public:
  // 0: switched off. Past `capacity`, the drops of further workloads are counted in left_out().
  explicit WorkloadSeries(std::size_t capacity = 0);

  bool enabled() const { return capacity_ > 0; }
  std::size_t capacity() const { return capacity_; }

  // Deliver thread only. `direction` is a literal.
  void add(std::string_view ns, std::string_view workload, std::string_view direction,
           std::uint64_t count);

  struct Series {
    std::string ns, workload;
    std::string_view direction;
    std::atomic<std::uint64_t> drops{0};
  };
  // Any thread: what is there by now.
  std::size_t size() const { return size_.load(std::memory_order_acquire); }
  const Series& at(std::size_t i) const { return series_[i]; }
  std::uint64_t left_out() const { return left_out_.load(std::memory_order_relaxed); }

 private:
  std::size_t capacity_;
  std::unique_ptr<Series[]> series_;
  std::atomic<std::size_t> size_{0};
  std::atomic<std::uint64_t> left_out_{0};
  std::unordered_map<std::string, Series*> known_;
  std::string key_;  // reused
};

}  // namespace kube_nflog
