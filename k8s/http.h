// SPDX-License-Identifier: Apache-2.0
// Http: the seam between everything that talks to the API server and libcurl. HttpClient is the
// real one; tests use a hand-written fake. All on the deliver thread; callbacks run inside
// HttpClient::poll().
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/metrics.h"

namespace kube_nflog {

struct HttpRequest {
  ApiVerb verb =
      ApiVerb::kGet;   // the Kubernetes verb; decides the HTTP method and the metric's label
  std::string path{};  // "/api/v1/pods?fieldSelector=…", already percent-encoded
  std::string content_type{};  // of the body; empty: no body
  std::string body{};
  std::chrono::milliseconds timeout{30'000};  // of the whole exchange
};

struct HttpResponse {
  long status = 0;     // 0: no HTTP answer; `error` says why
  std::string body{};  // bounded; empty for streams
  std::string error{};
  bool timed_out = false;                                  // that is why there is no answer
  std::chrono::milliseconds took{0};                       // from the first try to the last byte
  std::optional<std::chrono::milliseconds> retry_after{};  // both forms of the header
  std::optional<SystemTime> date{};                        // the server's clock, in whole seconds

  // The server has no room for us: whoever asked waits, `retry_after` or its own time.
  bool is_busy() const { return status == 429 || status / 100 == 5; }
  // For the log.
  std::string outcome() const {
    return status == 0 || !error.empty() ? error : "HTTP " + std::to_string(status);
  }
};

class Http {
 public:
  using Id = std::uint64_t;
  using Done = std::function<void(HttpResponse)>;
  // One piece of a 2xx body as it comes; before the first, an empty one: the answer has begun.
  // False ends the stream.
  using Data = std::function<bool(std::string_view)>;

  virtual ~Http() = default;
  // `done` is called exactly once, from poll(), unless the request is cancelled first.
  virtual Id send(HttpRequest request, Done done) = 0;
  // Like send(), but a 2xx body goes to `data` piece by piece.
  virtual Id stream(HttpRequest request, Data data, Done done) = 0;
  // No callback of this request runs any more. Unknown ids are ignored.
  virtual void cancel(Id id) = 0;
};

}  // namespace kube_nflog
