// SPDX-License-Identifier: Apache-2.0
// LazyArray: a large array of zeros whose memory is used only where it was written. For the tables
// that are sized for a flood and mostly idle: the queue, and the slots of the fold.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>

namespace kube_nflog {

template <class T>
class LazyArray {
  // So that bytes of zeros are a T, and none needs to be destroyed.
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);
  static_assert(alignof(T) <= alignof(std::max_align_t));

 public:
  explicit LazyArray(std::size_t size = 0) : size_(size) {
    if (size == 0) return;
    // Fresh pages of the kernel are zeros, and calloc() knows that: it does not touch them.
    items_.reset(static_cast<T*>(std::calloc(size, sizeof(T))));
    if (!items_) throw std::bad_alloc();
  }

  T& operator[](std::size_t i) { return items_.get()[i]; }
  const T& operator[](std::size_t i) const { return items_.get()[i]; }
  std::size_t size() const { return size_; }

 private:
  struct Free {
    void operator()(T* items) const { std::free(items); }
  };
  std::unique_ptr<T, Free> items_;
  std::size_t size_;
};

}  // namespace kube_nflog
