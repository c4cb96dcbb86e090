// SPDX-License-Identifier: Apache-2.0
// PodLookup: whose address is this, when it is no Pod of this node? One cached, rate-limited
// list of Pods by status.podIP per address (the first address of a dual-stack Pod alone: the
// server compares no other). Asked by locator, on the deliver thread.
#pragma once

#include <chrono>
#include <string>

#include "core/clock.h"
#include "core/ip.h"
#include "core/metrics.h"
#include "k8s/http.h"
#include "k8s/lookup_cache.h"

namespace kube_nflog {

struct PodLookupOptions {
  // The server scans every Pod it caches for one of these (status.podIP is not indexed), so they
  // are few.
  LookupLimits limits{};
  std::chrono::seconds found_ttl{300};
  std::chrono::seconds not_found_ttl{60};
  std::chrono::seconds error_ttl{10};
  std::chrono::seconds forbidden_pause{60};  // after a 403
  std::chrono::milliseconds timeout{2'000};
  std::string label_key{};  // of --peer-name=label:KEY, else empty
};

// An Owner of it is a Pod, or the node that a hostNetwork Pod with that address runs on.
class PodLookup : public LookupCache {
 public:
  PodLookup(Http& http, Metrics& metrics, PodLookupOptions options);

 private:
  struct Reading;
  void ask_server(const IpAddr& ip, SteadyTime now, const Answered& answered);
  LookupAnswer understand(const IpAddr& ip, SteadyTime now, Reading& reading,
                          const HttpResponse& response) const;

  Http& http_;
  PodLookupOptions options_;
};

}  // namespace kube_nflog
