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
  // A later take() may be at another rate: while burst * refill stays the same, a full bucket stays
  // full and an empty one empty.
  void take(const Rate& rate, SteadyTime now) {
    full_at_ = (full_at_ > now ? full_at_ : now) + rate.refill;
  }
  void give_back(std::chrono::milliseconds cost) { full_at_ -= cost; }
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
  using Cost = std::chrono::milliseconds;

  explicit EventBudget(EventRates rates) : rates_(rates), node_rate_(rates.node) {}

  SteadyTime node_available_at() const { return node_.available_at(node_rate_); }
  SteadyTime pod_available_at(const std::string& pod_uid) const;
  // One write about that Pod, whatever the answers above were. Says what the node has paid for it.
  Cost take(const std::string& pod_uid, SteadyTime now);
  // That write did not come about; `cost` is what the node gets back, 0 if it has cost the server.
  void give_back(const std::string& pod_uid, Cost cost);

  // Additive increase, multiplicative decrease, as TCP shares a line: the server has no room for
  // this node's writes, so they are halved, down to one in kSlowest; each that succeeds gives a
  // tenth of the whole back. A rate without limit stays without.
  void slow_down();
  void speed_up();
  double share() const { return share_; }  // of the node's rate that is left; 1: all
  static constexpr std::chrono::seconds kSlowest{300};

  // Pods with a bucket that is not full; past it, further Pods share one bucket.
  static constexpr std::size_t kMaxPods = 4'096;

 private:
  void set_share(double share);

  EventRates rates_;
  double share_ = 1;
  Rate node_rate_;  // rates_.node, as much of it as share_ says
  TokenBucket node_;
  TokenBucket other_pods_;
  std::unordered_map<std::string, TokenBucket> pods_;  // a Pod that is not here has a full bucket
};

}  // namespace kube_nflog
