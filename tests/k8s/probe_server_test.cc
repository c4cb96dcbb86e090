// SPDX-License-Identifier: Apache-2.0
#include "k8s/probe_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <chrono>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/metrics.h"
#include "core/unique_fd.h"

namespace kube_nflog {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

UniqueFd dial(int port) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  const timeval limit{.tv_sec = 5, .tv_usec = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return fd;
}

// The whole answer, head and body; "" if none came within five seconds.
std::string ask(int port, const std::string& request) {
  const UniqueFd fd = dial(port);
  EXPECT_EQ(::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
  std::string text;
  std::array<char, 4'096> buffer;
  for (ssize_t n = 0; (n = ::recv(fd.get(), buffer.data(), buffer.size(), 0)) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return text;
}
std::string get(int port, const std::string& path) {
  return ask(port, "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
}

class ProbeServerTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto server = ProbeServer::start("127.0.0.1:0", sources());
    ASSERT_TRUE(server) << server.error().what;
    server_ = std::move(*server);
  }
  static void TearDownTestSuite() { server_.reset(); }
  static ProbeSources sources() {
    return {[](Metrics::Format format) { return metrics_.render(format); },
            [] { return live_ ? std::string() : std::string("the ingest thread hangs"); },
            [] { return ready_ ? std::string() : std::string("the Pods are not listed yet"); }};
  }
  inline static Metrics metrics_{{}};
  inline static std::atomic<bool> live_{true}, ready_{false};
  inline static std::unique_ptr<ProbeServer> server_;
};

TEST_F(ProbeServerTest, ItsEndIsWaitedForNoTwoSeconds) {
  for (const char* listen : {"127.0.0.1:0", "0.0.0.0:0", "[::1]:0"}) {
    auto server = ProbeServer::start(listen, sources());
    if (!server && *listen == '[') continue;  // a machine without IPv6
    ASSERT_TRUE(server) << server.error().what;
    const auto begin = std::chrono::steady_clock::now();
    server->reset();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(1'000)) << listen;
  }
}

TEST_F(ProbeServerTest, TellsTheMetrics) {
  metrics_.seen.add(42);
  const std::string text = get(server_->port(), "/metrics");
  EXPECT_THAT(text, StartsWith("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4"));
  EXPECT_THAT(text, HasSubstr("\nkube_nflog_seen_total 42\n"));
}

TEST_F(ProbeServerTest, TellsThemInOpenMetricsToThoseWhoAskForIt) {
  const auto asked = [&](const std::string& accept) {
    return ask(server_->port(),
               "GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: " + accept + "\r\n\r\n");
  };
  const std::string open = asked("application/openmetrics-text;version=1.0.0,text/plain;q=0.5");
  EXPECT_THAT(open, HasSubstr("\r\nContent-Type: application/openmetrics-text; version=1.0.0"));
  EXPECT_THAT(open, HasSubstr("\n# TYPE kube_nflog_seen counter\nkube_nflog_seen_total "));
  EXPECT_THAT(open, EndsWith("\n# EOF\n"));
  for (const char* other : {"text/plain", "*/*", "text/plain, application/openmetrics-text"})
    EXPECT_THAT(asked(other), HasSubstr("\r\nContent-Type: text/plain; version=0.0.4")) << other;
}

TEST_F(ProbeServerTest, ReadinessFollowsWhatIsAsked) {
  const std::string waiting = get(server_->port(), "/readyz");
  EXPECT_THAT(waiting, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(waiting, EndsWith("the Pods are not listed yet\n"));
  ready_ = true;
  EXPECT_THAT(get(server_->port(), "/readyz"), StartsWith("HTTP/1.1 200 OK"));
}

TEST_F(ProbeServerTest, LivenessHasTwoNames) {
  for (const char* path : {"/livez", "/healthz"}) {
    live_ = true;
    EXPECT_THAT(get(server_->port(), path), EndsWith("\r\n\r\nok\n"));
    live_ = false;
    EXPECT_THAT(get(server_->port(), path), StartsWith("HTTP/1.1 503 "));
  }
  live_ = true;
}

TEST_F(ProbeServerTest, OtherRequestsAreRefused) {
  const int port = server_->port();
  for (const char* path : {"/", "/etc/passwd", "/../etc/passwd", "/metrics/", "/%2e%2e/x"}) {
    EXPECT_THAT(get(port, path), StartsWith("HTTP/1.1 40")) << path;
  }
  EXPECT_THAT(ask(port, "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx"),
              StartsWith("HTTP/1.1 405"));
  const std::string head = ask(port, "HEAD /livez HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(head, StartsWith("HTTP/1.1 200 OK"));
  EXPECT_THAT(head, EndsWith("\r\n\r\n"));
  ask(port, "garbage\r\n\r\n");
  ask(port, std::string(100'000, 'x') + "\r\n\r\n");
  EXPECT_THAT(get(port, "/livez"), EndsWith("ok\n"));
}

TEST_F(ProbeServerTest, ClientsThatSayNothingDoNotKeepProbesOut) {
  constexpr int kClients = 6;
  std::vector<UniqueFd> silent;
  silent.reserve(kClients);
  for (int i = 0; i < kClients; ++i) silent.push_back(dial(server_->port()));
  ::send(silent[0].get(), "GET /", 5, MSG_NOSIGNAL);
  const SteadyTime begin = steady_now();
  EXPECT_THAT(get(server_->port(), "/livez"), EndsWith("ok\n"));
  EXPECT_LT(steady_now() - begin, 5s);  // timeoutSeconds of the probes in deploy/
}

TEST_F(ProbeServerTest, ATakenPortIsAClearError) {
  const auto second = ProbeServer::start("127.0.0.1:" + std::to_string(server_->port()), sources());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().exit, Exit::kUnavailable);
  EXPECT_THAT(second.error().what, HasSubstr("cannot listen on 127.0.0.1:"));
  EXPECT_THAT(second.error().what, HasSubstr("in use"));
}

TEST(ProbeServer, BadAddressesAreRefused) {
  for (const char* bad : {"", "9478", ":9478", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x",
                          "127.0.0.1:65536", "localhost:1", "::1:9478", "[::1]", "[127.0.0.1]:1",
                          "127.0.0.1:1,0.0.0.0:2", "127.0.0.1:443s", "+1", "[]:1"}) {
    const auto server = ProbeServer::start(bad, {});
    ASSERT_FALSE(server) << bad;
    EXPECT_EQ(server.error().exit, Exit::kUsage);
  }
}

}  // namespace
}  // namespace kube_nflog
