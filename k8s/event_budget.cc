// SPDX-License-Identifier: Apache-2.0
#include "k8s/event_budget.h"

namespace kube_nflog {

SteadyTime EventBudget::pod_available_at(const std::string& pod_uid) const {
  if (const auto it = pods_.find(pod_uid); it != pods_.end()) {
    return it->second.available_at(rates_.pod);
  }
  return pods_.size() < kMaxPods ? SteadyTime() : other_pods_.available_at(rates_.pod);
}

void EventBudget::take(const std::string& pod_uid, SteadyTime now) {
  node_.take(rates_.node, now);
  if (pods_.size() >= kMaxPods && !pods_.contains(pod_uid)) {
    std::erase_if(pods_, [&](const auto& entry) { return entry.second.full(now); });
  }
  TokenBucket& bucket =
      pods_.contains(pod_uid) || pods_.size() < kMaxPods ? pods_[pod_uid] : other_pods_;
  bucket.take(rates_.pod, now);
}

void EventBudget::give_back(const std::string& pod_uid) {
  node_.give_back(rates_.node);
  const auto it = pods_.find(pod_uid);
  (it == pods_.end() ? other_pods_ : it->second).give_back(rates_.pod);
}

}  // namespace kube_nflog
