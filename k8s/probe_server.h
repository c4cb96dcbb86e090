// SPDX-License-Identifier: Apache-2.0
// ProbeServer: /metrics for Prometheus, /livez and /readyz for the kubelet. Built by main();
// answers on a thread of its own, so that it tells the truth when the others hang.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/error.h"
#include "core/metrics.h"

namespace kube_nflog {

// What the answers are made of. Called on the server's thread: they may read atomics and nothing
// else.
struct ProbeSources {
  std::function<std::string(Metrics::Format)> metrics;
  std::function<std::string()> not_live;   // why the process should be restarted; empty: it is fine
  std::function<std::string()> not_ready;  // what is still missing; empty: nothing
};

class ProbeServer {
 public:
  // `listen` is ADDR:PORT or [ADDR]:PORT, port 0 for any. Errors are for the operator.
  static Result<std::unique_ptr<ProbeServer>> start(const std::string& listen,
                                                    ProbeSources sources);
  ~ProbeServer();  // stops and joins
  ProbeServer(const ProbeServer&) = delete;
  ProbeServer& operator=(const ProbeServer&) = delete;

  int port() const;

 private:
  struct Impl;
  explicit ProbeServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace kube_nflog
