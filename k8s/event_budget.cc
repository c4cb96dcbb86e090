// SPDX-License-Identifier: Apache-2.0
#include "k8s/event_budget.h"

#include <algorithm>

namespace kube_nflog {

SteadyTime EventBudget::pod_available_at(const std::string& pod_uid) const {
  if (const auto it = pods_.find(pod_uid); it != pods_.end()) {
    return it->second.available_at(rates_.pod);
  }
  return pods_.size() < kMaxPods ? SteadyTime() : other_pods_.available_at(rates_.pod);
}

EventBudget::Cost EventBudget::take(const std::string& pod_uid, SteadyTime now) {
  node_.take(node_rate_, now);
  if (pods_.size() >= kMaxPods && !pods_.contains(pod_uid)) {
    std::erase_if(pods_, [&](const auto& entry) { return entry.second.full(now); });
  }
  TokenBucket& bucket =
      pods_.contains(pod_uid) || pods_.size() < kMaxPods ? pods_[pod_uid] : other_pods_;
  bucket.take(rates_.pod, now);
  return node_rate_.refill;
}

void EventBudget::give_back(const std::string& pod_uid, Cost cost) {
  node_.give_back(cost);
  const auto it = pods_.find(pod_uid);
  (it == pods_.end() ? other_pods_ : it->second).give_back(rates_.pod.refill);
}

void EventBudget::slow_down() { set_share(share_ / 2); }
void EventBudget::speed_up() { set_share(share_ + 0.1); }

void EventBudget::set_share(double share) {
  using Real = std::chrono::duration<double, std::milli>;
  const Real refill = rates_.node.refill;
  share_ = std::clamp(share, std::min(refill / Real(kSlowest), 1.0), 1.0);
  if (refill.count() <= 0) share_ = 1;
  node_rate_.burst = std::max(1U, static_cast<unsigned>(share_ * rates_.node.burst));
  node_rate_.refill = std::chrono::duration_cast<Cost>(refill / share_);
}

}  // namespace kube_nflog
