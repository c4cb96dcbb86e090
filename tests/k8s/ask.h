// SPDX-License-Identifier: Apache-2.0
// Asks a TinyServer through the real HttpClient. Used by the tests of what goes over the wire.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "core/clock.h"
#include "k8s/http_client.h"
#include "tests/fakes/tiny_server.h"

namespace kube_nflog {

using Connection = TinyServer::Connection;

inline std::unique_ptr<HttpClient> client_for(ApiConfig config, Metrics& metrics,
                                              HttpClientOptions options = {}) {
  auto client = HttpClient::create(std::move(config), metrics, options);
  EXPECT_TRUE(client);
  return std::move(*client);
}
inline std::unique_ptr<HttpClient> client_for(const TinyServer& server, Metrics& metrics,
                                              HttpClientOptions options = {}) {
  ApiConfig config;
  config.server = server.url();
  return client_for(std::move(config), metrics, options);
}

// Until `done`; on a busy machine that may take its time.
template <class Condition>
void run(HttpClient& client, Condition done) {
  const SteadyTime end = steady_now() + std::chrono::seconds(20);
  while (!done() && steady_now() < end) client.poll(std::chrono::milliseconds(50));
  EXPECT_TRUE(done());
}

inline HttpResponse ask(HttpClient& client, HttpRequest request) {
  std::optional<HttpResponse> got;
  client.send(std::move(request), [&got](HttpResponse response) {
    EXPECT_FALSE(got) << "done was called twice";
    got = std::move(response);
  });
  run(client, [&got] { return got.has_value(); });
  return got.value_or(HttpResponse{});
}

inline TinyServer::Handler always(std::string bytes) {
  return [bytes = std::move(bytes)](const Connection& connection, const std::string&) {
    return connection.write(bytes);
  };
}

}  // namespace kube_nflog
