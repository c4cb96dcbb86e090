// SPDX-License-Identifier: Apache-2.0
// BoundedQueue: the one way from the ingest thread to the deliver thread. Lock-free, one producer,
// one consumer, fixed memory. Full is an answer, never a wait: what is refused stays with the
// caller.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <type_traits>

#include "core/lazy_array.h"

namespace kube_nflog {

template <class T>
class BoundedQueue {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  // Rounded up to a power of two.
  explicit BoundedQueue(std::size_t capacity)
      : ring_(std::bit_ceil(capacity)), mask_(ring_.size() - 1) {}

  // Producer only. False: full, nothing was taken.
  bool push(const T& item) {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_.load(std::memory_order_acquire) > mask_) return false;
    ring_[tail & mask_] = item;
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

  // Consumer only. False: empty.
  bool pop(T& item) {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_acquire)) return false;
    item = ring_[head & mask_];
    head_.store(head + 1, std::memory_order_release);
    return true;
  }

  // Any thread; a moment's view.
  std::size_t size() const {
    const std::size_t head = head_.load(std::memory_order_acquire);
    return tail_.load(std::memory_order_acquire) - head;
  }
  std::size_t capacity() const { return ring_.size(); }

 private:
  LazyArray<T> ring_;
  std::size_t mask_;
  alignas(64) std::atomic<std::size_t> head_{0};
  alignas(64) std::atomic<std::size_t> tail_{0};
};

}  // namespace kube_nflog
