// SPDX-License-Identifier: Apache-2.0
// HttpClient: Http over libcurl's multi interface, to the one API server. Built by main(), driven
// by deliver on the deliver thread; only wake() is for any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "core/error.h"
#include "core/metrics.h"
#include "k8s/api_config.h"
#include "k8s/http.h"
#include "k8s/poller.h"

namespace kube_nflog {

struct HttpClientOptions {
  std::size_t max_body = 16U << 20;  // bytes of an answer to send(); a longer one is an error
  std::size_t max_open = 64;         // requests under way; a further one fails at once
  std::chrono::milliseconds connect_timeout{10'000};
};

// Connections are kept and shared (HTTP/2 where the server offers it), TLS is 1.2 at least and
// verified, redirects are not followed, no proxy is used but the config's, dead peers are noticed
// in about 30 s. Token, CA and client certificate are read again each minute, and at once when one
// side refuses the other's: if there is a new one, the request is made once more. Each exchange
// counts in api_requests.
//
// A request that gets no answer in time, or is cancelled, takes its connection with it: the next
// one is made on a new one. As http.h says, `done` gets status 0 and `error` whenever no complete
// answer came; a stream ended by its reader gets the status and no error. Callbacks may send and
// cancel whatever they like.
class HttpClient final : public Http, public Poller {
 public:
  static Result<std::unique_ptr<HttpClient>> create(ApiConfig config, Metrics& metrics,
                                                    HttpClientOptions options = {});
  ~HttpClient() override;  // ends what is under way without callbacks

  Id send(HttpRequest request, Done done) override;
  Id stream(HttpRequest request, Data data, Done done) override;
  void cancel(Id id) override;

  // Runs transfers and callbacks; waits at most `max_wait` for something to do. Returns as soon as
  // a callback has run, since that may have changed what is due.
  void poll(std::chrono::milliseconds max_wait) override;
  // Any thread: makes poll() return, this time or the next.
  void wake() override;

 private:
  class Impl;
  explicit HttpClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace kube_nflog
