// SPDX-License-Identifier: Apache-2.0
#include "k8s/lookup_cache.h"

#include <algorithm>
#include <utility>

namespace kube_nflog {

LookupCache::LookupCache(LookupLimits limits, Labelled<Counter, LookupResult>& results, Ask ask)
    : limits_(limits),
      results_(results),
      ask_(std::move(ask)),
      refill_(limits.refill),
      tokens_(limits.burst) {}

void LookupCache::resolve(const IpAddr& ip, SteadyTime now, Done done) {
  if (!may_have_an_owner(ip)) return done({});
  const auto it = cache_.find(ip);
  if (it != cache_.end()) recency_.splice(recency_.begin(), recency_, it->second.recency);
  if (it != cache_.end() && !it->second.waiting.empty()) {
    it->second.waiting.push_back(std::move(done));
  } else if (it != cache_.end() && now < it->second.expires) {
    results_[LookupResult::kCached].add();
    done(Owner(it->second.owner));  // a copy: `done` may ask for others
  } else if (may_ask(ip, now)) {
    ask(ip, now, std::move(done));
  } else {
    done({});
  }
}

bool LookupCache::can_spare(const IpAddr& ip, SteadyTime now) {
  const auto it = cache_.find(ip);
  if (it != cache_.end() && !it->second.waiting.empty()) return true;
  if (it != cache_.end() && now < it->second.expires) return it->second.owner.known();
  earn_tokens(now);
  return now >= paused_until_ && tokens_ >= 1 + limits_.burst / 2;
}

Owner LookupCache::recall(const IpAddr& ip, SteadyTime now) const {
  const auto it = cache_.find(ip);
  return it != cache_.end() && now < it->second.expires ? it->second.owner : Owner();
}

// Takes what asking costs. Counts why not.
bool LookupCache::may_ask(const IpAddr& ip, SteadyTime now) {
  if (now < paused_until_) {
    results_[LookupResult::kPaused].add();
    return false;
  }
  earn_tokens(now);
  if (tokens_ < 1 || (cache_.count(ip) == 0 && !make_room())) {
    results_[LookupResult::kOverBudget].add();
    return false;
  }
  tokens_ -= 1;
  return true;
}

void LookupCache::ask(const IpAddr& ip, SteadyTime now, Done done) {
  const auto [it, is_new] = cache_.try_emplace(ip);
  if (is_new) it->second.recency = recency_.insert(recency_.begin(), ip);
  it->second.waiting.push_back(std::move(done));
  ask_(ip, now, [this, ip, now](const LookupAnswer& answer) { answered(ip, now, answer); });
}

void LookupCache::answered(const IpAddr& ip, SteadyTime asked, const LookupAnswer& answer) {
  results_[answer.result].add();
  pay(answer.took);
  if (answer.pause.count() > 0)
    paused_until_ = std::max(paused_until_, asked + answer.took + answer.pause);
  Entry& entry = cache_.at(ip);  // an entry that is being asked for is not evicted
  entry.owner = answer.owner;
  entry.expires = asked + answer.ttl;
  for (const Done& done : std::exchange(entry.waiting, {})) done(answer.owner);
}

void LookupCache::earn_tokens(SteadyTime now) {
  using Tokens = std::chrono::duration<double, std::milli>;
  const double earned = Tokens(now - refilled_) / Tokens(refill_);
  tokens_ = std::min(limits_.burst, tokens_ + std::max(earned, 0.0));
  refilled_ = now;
}

// A moving average: one slow answer is not a slow server.
void LookupCache::pay(std::chrono::milliseconds took) {
  const auto slowest = std::max<std::chrono::milliseconds>(kSlowest, limits_.refill);
  refill_ =
      std::clamp((3 * refill_ + std::min(took * kThrift, slowest)) / 4, limits_.refill, slowest);
}

// Room for one more address: the longest unused that nobody waits for goes.
bool LookupCache::make_room() {
  if (cache_.size() < limits_.capacity) return true;
  for (auto it = recency_.end(); it != recency_.begin();) {
    --it;
    const auto entry = cache_.find(*it);
    if (!entry->second.waiting.empty()) continue;
    cache_.erase(entry);
    recency_.erase(it);
    return true;
  }
  return false;
}

}  // namespace kube_nflog
