// SPDX-License-Identifier: Apache-2.0
// ReverseDns: what DNS calls an address, by c-ares, cached as long as its records hold. The last
// one to be asked, by locator, on the deliver thread; its sockets are waited for in the Poller.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "core/error.h"
#include "core/metrics.h"
#include "k8s/lookup_cache.h"
#include "k8s/poller.h"

namespace kube_nflog {

struct ReverseDnsOptions {
  std::string server{};  // ADDRESS[:PORT]; empty: those of /etc/resolv.conf
  LookupLimits limits{.burst = 50, .refill = std::chrono::milliseconds(200)};
  // Of the first try with a server; the second has twice as long.
  std::chrono::milliseconds timeout{400};
  // What the records say how long they hold is not trusted beyond these.
  std::chrono::seconds found_least{30}, found_most{3'600};
  std::chrono::seconds not_found_least{30}, not_found_most{600};
  std::chrono::seconds error_ttl{30};
  // Servers that did not answer so often in a row are left alone for a while.
  unsigned silent = 3;
  std::chrono::seconds silent_pause{30};
  std::size_t in_flight = 64;
};

class ReverseDns : public LookupCache, public PollGuest {
 public:
  // An error: the server is no address, or there is no memory.
  static Result<std::unique_ptr<ReverseDns>> create(Metrics& metrics, ReverseDnsOptions options);
  ~ReverseDns() override;  // ends what is under way without callbacks

  void prepare(std::vector<pollfd>& fds, std::chrono::milliseconds& max_wait) override;
  void process(std::span<const pollfd> fds) override;

 private:
  class Resolver;
  ReverseDns(Metrics& metrics, const LookupLimits& limits, std::unique_ptr<Resolver> resolver);
  std::unique_ptr<Resolver> resolver_;
};

}  // namespace kube_nflog
