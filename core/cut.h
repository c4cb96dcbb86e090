// SPDX-License-Identifier: Apache-2.0
// Cut: a moment at which how far the source was read and what the deliver thread knows belong
// together, so that both can be kept and neither repeats nor lacks a drop after a kill. Made by
// ingest, taken by the deliver thread when the mark comes out of the queue.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <utility>

namespace kube_nflog {

// One at a time. The queue publishes the position with the mark; end() gives it back.
class Cut {
 public:
  static constexpr std::chrono::milliseconds kInterval{1'000};

  // Ingest thread. Everything that was read up to `position` is in the queue; the mark must follow.
  void begin(std::string position) {
    position_ = std::move(position);
    under_way_.store(true, std::memory_order_relaxed);
  }
  bool under_way() const { return under_way_.load(std::memory_order_acquire); }
  // How long after one cut the next is due. Once none is under way.
  std::chrono::milliseconds rest() const { return rest_; }

  // Deliver thread, between the mark and end().
  const std::string& position() const { return position_; }
  void end(std::chrono::milliseconds rest) {
    rest_ = std::max(rest, kInterval);
    under_way_.store(false, std::memory_order_release);
  }

  // Any thread: whether a file holds a cut, from which a next process could go on.
  bool is_kept() const { return kept_.load(std::memory_order_relaxed); }
  void set_kept() { kept_.store(true, std::memory_order_relaxed); }

 private:
  std::string position_;
  std::chrono::milliseconds rest_{kInterval};
  std::atomic<bool> under_way_{false};
  std::atomic<bool> kept_{false};
};

}  // namespace kube_nflog
