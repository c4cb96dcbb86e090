// SPDX-License-Identifier: Apache-2.0
// ServiceLookup: which Service has this cluster address? One cached, rate-limited list of Services
// by spec.clusterIP per address (the first address of a dual-stack Service alone). Servers before
// Kubernetes 1.31 refuse that selector; reverse DNS knows the Services, too, and costs the API
// server nothing, so there is no other way here: a list of all Services to every node would be a
// hundred gigabytes in a large cluster. Asked by locator, on the deliver thread.
#pragma once

#include <chrono>

#include "core/clock.h"
#include "core/ip.h"
#include "core/metrics.h"
#include "k8s/http.h"
#include "k8s/lookup_cache.h"

namespace kube_nflog {

struct ServiceLookupOptions {
  LookupLimits limits{};
  std::chrono::seconds found_ttl{300};
  std::chrono::seconds not_found_ttl{300};  // external addresses, mostly
  std::chrono::seconds error_ttl{10};
  std::chrono::seconds forbidden_pause{600};       // after a 403
  std::chrono::seconds unsupported_pause{21'600};  // after a 400: it may be upgraded one day
  std::chrono::milliseconds timeout{2'000};
};

class ServiceLookup : public LookupCache {
 public:
  ServiceLookup(Http& http, Metrics& metrics, ServiceLookupOptions options);

 private:
  struct Reading;
  void ask_server(const IpAddr& ip, const Answered& answered);
  LookupAnswer understand(Reading& reading, const HttpResponse& response) const;
  LookupAnswer refused(const HttpResponse& response) const;

  Http& http_;
  ServiceLookupOptions options_;
};

}  // namespace kube_nflog
