// SPDX-License-Identifier: Apache-2.0
// The real c-ares against a server of this test's own, on loopback.
#include "k8s/reverse_dns.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <string>
#include <vector>

#include "core/unique_fd.h"
#include "tests/k8s/make.h"

namespace kube_nflog {
namespace {

using namespace std::chrono_literals;
using make::ip;

constexpr SteadyTime kStart{std::chrono::hours(1)};

class ReverseDnsTest : public testing::Test {
 protected:
  ReverseDnsTest() : socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof place;
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&place), size), 0);
    EXPECT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&place), &size), 0);
    options.server = "127.0.0.1:" + std::to_string(ntohs(place.sin_port));
    options.timeout = 50ms;
  }
  void start() {
    Result<std::unique_ptr<ReverseDns>> made = ReverseDns::create(metrics, options);
    ASSERT_TRUE(made) << made.error().what;
    dns = std::move(*made);
    poller.invite(*dns);
  }
  void resolve(std::string_view address, SteadyTime now = kStart) {
    dns->resolve(ip(address), now, [this](const Owner& owner) { answers.push_back(owner); });
  }
  // Answers one question; `records` are of the answer section, each PTR to that name.
  void answer(const std::vector<std::string>& names, std::uint32_t ttl, unsigned rcode = 0) {
    std::array<char, 512> query{};
    sockaddr_in client{};
    socklen_t size = sizeof client;
    const ssize_t n = ::recvfrom(socket.get(), query.data(), query.size(), 0,
                                 reinterpret_cast<sockaddr*>(&client), &size);
    ASSERT_GT(n, 12) << "no question";
    std::string reply(query.data(), static_cast<std::size_t>(n));
    reply[2] = '\x81';
    reply[3] = static_cast<char>(0x80 | rcode);
    reply[7] = static_cast<char>(names.size());
    for (const std::string& name : names) {
      std::string data;
      for (std::size_t at = 0; at < name.size();) {
        const std::size_t dot = std::min(name.find('.', at), name.size());
        data += static_cast<char>(dot - at) + name.substr(at, dot - at);
        at = dot + 1;
      }
      data += '\0';
      reply += std::string("\xc0\x0c\0\x0c\0\x01", 6);
      for (const int shift : {24, 16, 8, 0}) reply += static_cast<char>(ttl >> shift & 0xff);
      reply += {'\0', static_cast<char>(data.size())};
      reply += data;
    }
    ::sendto(socket.get(), reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&client),
             size);
  }
  void wait_for(std::size_t n) {
    for (int tries = 0; tries < 200 && answers.size() < n; ++tries) poller.poll(50ms);
    ASSERT_EQ(answers.size(), n);
  }
  bool was_asked() {
    char byte = 0;
    return ::recv(socket.get(), &byte, 1, MSG_PEEK) > 0;
  }
  std::uint64_t count(LookupResult result) const { return metrics.dns_lookups[result].value(); }

  UniqueFd socket;
  Metrics metrics;
  ReverseDnsOptions options;
  EventfdPoller poller;
  std::unique_ptr<ReverseDns> dns;
  std::vector<Owner> answers;
};

TEST_F(ReverseDnsTest, NamesTheHost) {
  start();
  resolve("203.0.113.7");
  resolve("203.0.113.7");  // joins
  answer({"api.example.com"}, 300);
  wait_for(2);
  EXPECT_EQ(answers[0].host, "api.example.com");
  EXPECT_EQ(answers[1].host, "api.example.com");
  EXPECT_FALSE(was_asked());
  EXPECT_EQ(count(LookupResult::kFound), 1U);
}

TEST_F(ReverseDnsTest, RemembersAsLongAsTheRecordHoldsWithinBounds) {
  start();
  const auto again_after = [this](const char* address, std::uint32_t ttl,
                                  std::chrono::seconds still, std::chrono::seconds no_more) {
    resolve(address);
    answer({"api.example.com"}, ttl);
    wait_for(answers.size() + 1);
    resolve(address, kStart + still);
    EXPECT_FALSE(was_asked()) << ttl;
    resolve(address, kStart + no_more);
    EXPECT_TRUE(was_asked()) << ttl;
    answer({"api.example.com"}, ttl);
    wait_for(answers.size() + 1);
  };
  again_after("203.0.113.1", 300, 299s, 300s);
  again_after("203.0.113.2", 0, 29s, 30s);
  again_after("203.0.113.3", 1'000'000, 3'599s, 3'600s);
}

TEST_F(ReverseDnsTest, ThatThereIsNoneIsRememberedToo) {
  start();
  resolve("2001:db8::7");
  answer({}, 0, 3);
  wait_for(1);
  EXPECT_FALSE(answers[0].known());
  resolve("2001:db8::8");
  answer({}, 0);
  wait_for(2);
  resolve("2001:db8::7", kStart + 29s);
  EXPECT_EQ(answers.size(), 3U);
  EXPECT_EQ(count(LookupResult::kNotFound), 2U);
  EXPECT_EQ(count(LookupResult::kCached), 1U);
}

TEST_F(ReverseDnsTest, TheClustersOwnNamesAreServices) {
  start();
  resolve("10.96.0.17");
  answer({"ledger-db.payments.svc.cluster.local"}, 30);
  wait_for(1);
  EXPECT_EQ(answers[0].service.name, "ledger-db");
  EXPECT_EQ(answers[0].service.ns, "payments");
  resolve("10.1.2.3");
  answer({"10-1-2-3.web.shop.svc.cluster.local"}, 30);
  wait_for(2);
  EXPECT_EQ(answers[1].host, "10-1-2-3.web.shop.svc.cluster.local");
  resolve("203.0.113.7");  // says a stranger
  answer({"ledger-db.payments.svc.cluster.local"}, 30);
  wait_for(3);
  EXPECT_FALSE(answers[2].known());
}

TEST_F(ReverseDnsTest, AServerThatFailsIsAnError) {
  start();
  resolve("203.0.113.7");
  for (int tries = 0; tries < 200 && answers.empty(); ++tries) {
    if (was_asked()) answer({}, 0, 2);  // SERVFAIL
    poller.poll(10ms);
  }
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(count(LookupResult::kError), 1U);
}

TEST_F(ReverseDnsTest, AServerThatDoesNotAnswerIsLeftAloneForAWhile) {
  options.limits.burst = 100;
  start();
  for (int n = 1; n <= 3; ++n) {
    resolve("203.0.113." + std::to_string(n));
    wait_for(static_cast<std::size_t>(n));
  }
  EXPECT_EQ(count(LookupResult::kError), 3U);
  resolve("203.0.113.9", kStart + 29s);
  EXPECT_EQ(answers.size(), 4U) << "at once";
  EXPECT_EQ(count(LookupResult::kPaused), 1U);
  while (was_asked()) answer({"late.example.com"}, 1);
  poller.poll(0ms);
  resolve("203.0.113.9", kStart + 30s);
  answer({"back.example.com"}, 60);
  wait_for(5);
  EXPECT_EQ(answers[4].host, "back.example.com");
}

TEST_F(ReverseDnsTest, SoManyQuestionsAtATime) {
  options.limits.burst = 100;
  options.in_flight = 3;
  start();
  for (int n = 1; n <= 10; ++n) resolve("203.0.113." + std::to_string(n));
  EXPECT_EQ(answers.size(), 7U);
  EXPECT_EQ(count(LookupResult::kOverBudget), 7U);
  wait_for(10);
  resolve("203.0.113.10");  // was told nothing, and is not remembered so
  EXPECT_EQ(count(LookupResult::kOverBudget), 7U);
}

TEST_F(ReverseDnsTest, EndsWithQuestionsUnderWay) {
  start();
  resolve("203.0.113.7");
  dns.reset();
  EXPECT_TRUE(answers.empty());
}

TEST_F(ReverseDnsTest, ItsServerIsAnAddress) {
  for (const char* bad : {"dns.example.com", "127.0.0.1:x", "nonsense"}) {
    options.server = bad;
    const Result<std::unique_ptr<ReverseDns>> made = ReverseDns::create(metrics, options);
    ASSERT_FALSE(made) << bad;
    EXPECT_EQ(made.error().exit, Exit::kUsage);
  }
  for (const char* good : {"127.0.0.1", "127.0.0.1:5353", "[::1]:53"}) {
    options.server = good;
    EXPECT_TRUE(ReverseDns::create(metrics, options)) << good;
  }
}

}  // namespace
}  // namespace kube_nflog
