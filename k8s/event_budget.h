// SPDX-License-Identifier: Apache-2.0
// EventBudget: how often this node may write Events, in all and about one Pod, so that a fleet
// whose every node drops at once stays gentle to the API server. Pure; used by event_book.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <unordered_map>

#include "core/clock.h"

namespace kube_nflog {

// `burst` writes at once, then one per `refill`.
struct Rate {
  unsigned burst = 1;  // >= 1
  std::chrono::milliseconds refill{0};
};

// A token bucket kept as one number, the time at which it will be full again (GCRA), so that times
// come out exact and equal whenever they are asked for.
class TokenBucket {
 public:
  // When the next token can be taken; the past means now.
  SteadyTime available_at(const Rate& rate) const {
    return full_at_ - rate.refill * (rate.burst - 1);
  }
  void take(const Rate& rate, SteadyTime now) {
    full_at_ = (full_at_ > now ? full_at_ : now) + rate.refill;
  }
  void give_back(const Rate& rate) { full_at_ -= rate.refill; }
  bool full(SteadyTime now) const { return full_at_ <= now; }

 private:
  SteadyTime full_at_{};
};

// Defaults: 15,000 nodes that all drop without end make 500 writes/s (reference: client-go's
// recorder allows one per 300 s and Pod after a burst of 25).
struct EventRates {
  Rate node{20, std::chrono::seconds(30)};
  Rate pod{10, std::chrono::seconds(300)};
};

class EventBudget {
 public:
  explicit EventBudget(EventRates rates) : rates_(rates) {}

  SteadyTime node_available_at() const { return node_.available_at(rates_.node); }
  SteadyTime pod_available_at(const std::string& pod_uid) const;
  // One write about that Pod, whatever the answers above were.
  void take(const std::string& pod_uid, SteadyTime now);
  // That write did not come about.
  void give_back(const std::string& pod_uid);

  // Pods with a bucket that is not full; past it, further Pods share one bucket.
  static constexpr std::size_t kMaxPods = 4'096;

 private:
  EventRates rates_;
  TokenBucket node_;
  TokenBucket other_pods_;
  std::unordered_map<std::string, TokenBucket> pods_;  // a Pod that is not here has a full bucket
};

}  // namespace kube_nflog
