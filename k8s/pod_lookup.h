// SPDX-License-Identifier: Apache-2.0
// PodLookup: whose address is this, when it is no Pod of this node? One cached, rate-limited
// list of Pods by status.podIP per address (the first address of a dual-stack Pod alone: the
// server compares no other). Asked by deliver, on the deliver thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/clock.h"
#include "core/ip.h"
#include "core/metrics.h"
#include "k8s/http.h"
#include "k8s/pod_index.h"

namespace kube_nflog {

struct PodLookupOptions {
  // The server scans every Pod it caches for one of these (status.podIP is not indexed), so they
  // are few.
  double burst = 20;
  std::chrono::milliseconds refill{2'000};  // one more look-up each
  std::chrono::seconds found_ttl{300};
  std::chrono::seconds not_found_ttl{60};
  std::chrono::seconds error_ttl{10};
  std::chrono::milliseconds timeout{2'000};  // no Event waits longer than this for a name
  std::size_t capacity = 4'096;              // addresses remembered; the longest unused goes first
  std::string label_key{};                   // of --peer-name=label:KEY, else empty
};

class PodLookup {
 public:
  using Done = std::function<void(const Owner&)>;

  PodLookup(Http& http, Metrics& metrics, PodLookupOptions options);

  // `done` is called exactly once: at once when the answer is cached or the budget is spent (then
  // with nothing known), else when the server has answered or the time is up. Asking for an address
  // that is already being asked for joins that request.
  void resolve(const IpAddr& ip, SteadyTime now, Done done);
  // For what need not be known: whether resolve() would find a Pod or a node in the cache, join a
  // request, or ask while half of the budget is left for others.
  bool can_spare(const IpAddr& ip, SteadyTime now);

  std::size_t size() const { return cache_.size(); }

 private:
  struct Entry {
    Owner owner;
    SteadyTime expires{};
    std::vector<Done> waiting;  // not empty: a request is under way
    std::list<IpAddr>::iterator recency;
  };
  struct Answer;
  void ask(const IpAddr& ip, SteadyTime now, Done done);
  void answered(const IpAddr& ip, SteadyTime asked, Answer& answer, const HttpResponse& response);
  void earn_tokens(SteadyTime now);
  bool take_token(SteadyTime now);
  bool make_room();

  Http& http_;
  Metrics& metrics_;
  PodLookupOptions options_;
  std::unordered_map<IpAddr, Entry, IpAddrHash> cache_;
  std::list<IpAddr> recency_;  // most recent first
  double tokens_;
  SteadyTime refilled_{};
};

}  // namespace kube_nflog
