// SPDX-License-Identifier: Apache-2.0
// LookupCache: what every way of asking whose an address is has in common. Each address is asked
// for once at a time, its answer is remembered as long as it holds, and questions are rationed.
// Used by pod_lookup, service_lookup and reverse_dns, on the deliver thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <unordered_map>
#include <vector>

#include "core/clock.h"
#include "core/ip.h"
#include "core/metrics.h"
#include "k8s/owner.h"

namespace kube_nflog {

struct LookupLimits {
  double burst = 5;
  std::chrono::milliseconds refill{30'000};  // one more question each, if the answers come at once
  std::size_t capacity = 4'096;              // addresses remembered; the longest unused goes first
};

struct LookupAnswer {
  LookupResult result = LookupResult::kError;
  Owner owner{};
  std::chrono::seconds ttl{0};
  std::chrono::seconds pause{0};  // nobody is asked for anything for so long
  // What the question has taken of whoever was asked. Questions are paid for with kThrift times
  // that: the more Pods a server scans for one, or the busier it is, the fewer it gets.
  std::chrono::milliseconds took{0};
};

class LookupCache {
 public:
  using Done = std::function<void(const Owner&)>;
  using Answered = std::function<void(const LookupAnswer&)>;
  // Asks, and calls `answered` exactly once: in here, or later on this thread.
  using Ask = std::function<void(const IpAddr&, SteadyTime now, Answered)>;

  LookupCache(LookupLimits limits, Labelled<Counter, LookupResult>& results, Ask ask);
  LookupCache(const LookupCache&) = delete;  // answers come back to this
  LookupCache& operator=(const LookupCache&) = delete;

  // `done` is called exactly once: at once when the answer is remembered, or when there is nobody
  // to ask or the budget is spent (then with nothing known); else when the answer comes. Asking for
  // an address that is already being asked for joins that question.
  void resolve(const IpAddr& ip, SteadyTime now, Done done);
  // For what need not be known: whether resolve() would find an owner remembered, join a question,
  // or ask while half of the budget is left for others.
  bool can_spare(const IpAddr& ip, SteadyTime now);
  // Of what is remembered; nothing known otherwise.
  Owner recall(const IpAddr& ip, SteadyTime now) const;

  std::size_t size() const { return cache_.size(); }

  // So that 15,000 nodes that never stop asking keep three cores of the API servers busy, but none
  // waits longer for its next question than kSlowest.
  static constexpr int kThrift = 5'000;
  static constexpr std::chrono::minutes kSlowest{10};

 private:
  struct Entry {
    Owner owner;
    SteadyTime expires{};
    std::vector<Done> waiting;  // not empty: a question is under way
    std::list<IpAddr>::iterator recency;
  };
  void ask(const IpAddr& ip, SteadyTime now, Done done);
  void answered(const IpAddr& ip, SteadyTime asked, const LookupAnswer& answer);
  bool may_ask(const IpAddr& ip, SteadyTime now);
  void earn_tokens(SteadyTime now);
  void pay(std::chrono::milliseconds took);
  bool make_room();

  LookupLimits limits_;
  Labelled<Counter, LookupResult>& results_;
  Ask ask_;
  std::unordered_map<IpAddr, Entry, IpAddrHash> cache_;
  std::list<IpAddr> recency_;         // most recent first
  std::chrono::milliseconds refill_;  // limits_.refill, or more
  double tokens_;
  SteadyTime refilled_{};
  SteadyTime paused_until_{};
};

}  // namespace kube_nflog
