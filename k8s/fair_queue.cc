// SPDX-License-Identifier: Apache-2.0
#include "k8s/fair_queue.h"

namespace kube_nflog {

void FairQueue::add(std::uint64_t key, std::string ns, SteadyTime due) {
  later_.emplace(std::pair(due, serial_++), Waiting{key, std::move(ns)});
}

std::optional<std::uint64_t> FairQueue::pop(SteadyTime now) {
  make_ready(now);
  if (ready_.empty()) return {};
  auto turn = ready_.upper_bound(last_turn_);
  if (turn == ready_.end()) turn = ready_.begin();
  last_turn_ = turn->first;
  const std::uint64_t key = turn->second.front();
  turn->second.pop_front();
  if (turn->second.empty()) ready_.erase(turn);
  return key;
}

SteadyTime FairQueue::next_due() const {
  if (!ready_.empty()) return SteadyTime::min();
  return later_.empty() ? SteadyTime::max() : later_.begin()->first.first;
}

void FairQueue::make_ready(SteadyTime now) {
  while (!later_.empty() && later_.begin()->first.first <= now) {
    const auto first = later_.begin();
    ready_[first->second.ns].push_back(first->second.key);
    later_.erase(first);
  }
}

}  // namespace kube_nflog
