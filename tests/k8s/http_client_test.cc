// SPDX-License-Identifier: Apache-2.0
#include "k8s/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <thread>

#include "core/clock.h"
#include "tests/fakes/temporary_directory.h"
#include "tests/fakes/tiny_server.h"
#include "tests/k8s/ask.h"

namespace kube_nflog {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(HttpClient, SendsWhatTheVerbMeansAndReusesTheConnection) {
  const TinyServer server(always(TinyServer::answer(200, "{\"a\":1}")));
  Metrics metrics;
  const auto client = client_for(server, metrics);
  const HttpResponse got = ask(*client, {.path = "/api/v1/pods?limit=1"});
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "{\"a\":1}");
  EXPECT_EQ(got.error, "");
  EXPECT_EQ(got.retry_after, std::nullopt);
  ask(*client, {.verb = ApiVerb::kCreate,
                .path = "/e",
                .content_type = "application/json",
                .body = "{\"new\":1}"});
  ask(*client, {.verb = ApiVerb::kPatch,
                .path = "/e/x",
                .content_type = "application/merge-patch+json",
                .body = "{}"});
  ask(*client, {.verb = ApiVerb::kList, .path = "/l"});

  const std::vector<std::string> requests = server.requests();
  ASSERT_EQ(requests.size(), 4U);
  EXPECT_THAT(requests[0], StartsWith("GET /api/v1/pods?limit=1 HTTP/1.1\r\n"));
  EXPECT_THAT(requests[0], HasSubstr("\r\nUser-Agent: kube-nflog/"));
  EXPECT_THAT(requests[0], HasSubstr("\r\nAccept: application/json\r\n"));
  EXPECT_THAT(requests[0], Not(HasSubstr("Authorization")));
  EXPECT_THAT(requests[0], Not(HasSubstr("Accept-Encoding")));
  EXPECT_THAT(requests[1], StartsWith("POST /e HTTP/1.1\r\n"));
  EXPECT_THAT(requests[1], HasSubstr("\r\nContent-Type: application/json\r\n"));
  EXPECT_THAT(requests[1], testing::EndsWith("\r\n\r\n{\"new\":1}"));
  EXPECT_THAT(requests[2], StartsWith("PATCH /e/x HTTP/1.1\r\n"));
  EXPECT_THAT(requests[2], HasSubstr("\r\nContent-Type: application/merge-patch+json\r\n"));
  EXPECT_THAT(requests[3], HasSubstr("\r\nAccept-Encoding: gzip\r\n"));
  ApiConfig plain;
  plain.server = server.url();
  plain.disable_compression = true;
  ask(*client_for(plain, metrics), {.verb = ApiVerb::kList, .path = "/l"});
  EXPECT_THAT(server.requests().at(4), Not(HasSubstr("Accept-Encoding")));
  EXPECT_EQ(server.connections(), 2U);
  EXPECT_EQ(metrics.api_requests.at(ApiVerb::kGet, ApiCode::k2xx).value(), 1U);
  EXPECT_EQ(metrics.api_requests.at(ApiVerb::kCreate, ApiCode::k2xx).value(), 1U);
  EXPECT_EQ(metrics.api_requests.at(ApiVerb::kPatch, ApiCode::k2xx).value(), 1U);
}

TEST(HttpClient, CountsEachKindOfAnswer) {
  const std::pair<int, ApiCode> kinds[] = {
      {201, ApiCode::k2xx}, {401, ApiCode::k401},  {403, ApiCode::k403}, {404, ApiCode::k404},
      {409, ApiCode::k409}, {410, ApiCode::k410},  {429, ApiCode::k429}, {422, ApiCode::k4xx},
      {503, ApiCode::k5xx}, {302, ApiCode::kOther}};
  for (const auto& [status, code] : kinds) {
    const TinyServer server(always(TinyServer::answer(status, "")));
    Metrics metrics;
    ask(*client_for(server, metrics), {.path = "/"});
    EXPECT_EQ(metrics.api_requests.at(ApiVerb::kGet, code).value(), 1U) << status;
  }
}

TEST(HttpClient, TakesRetryAfterInBothForms) {
  std::string headers = "Retry-After: 7\r\n";
  const TinyServer server([&headers](const Connection& connection, const std::string&) {
    return connection.write(TinyServer::answer(429, "Too many requests", headers));
  });
  Metrics metrics;
  const auto client = client_for(server, metrics);
  const HttpResponse seconds = ask(*client, {.path = "/"});
  EXPECT_EQ(seconds.status, 429);
  EXPECT_EQ(seconds.body, "Too many requests");
  EXPECT_EQ(seconds.retry_after, 7s);

  const std::time_t later = std::time(nullptr) + 30;
  std::array<char, 64> date{};
  std::tm utc{};
  gmtime_r(&later, &utc);
  std::strftime(date.data(), date.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  headers = std::string("Retry-After: ") + date.data() + "\r\n";
  const auto dated = ask(*client, {.path = "/"}).retry_after;
  ASSERT_TRUE(dated);
  EXPECT_GE(*dated, 25s);
  EXPECT_LE(*dated, 30s);

  headers = "Retry-After: 99999999\r\n";
  EXPECT_EQ(ask(*client, {.path = "/"}).retry_after, 600s);  // not for years
  headers = "Retry-After: Thu, 01 Jan 1998 00:00:00 GMT\r\n";
  EXPECT_EQ(ask(*client, {.path = "/"}).retry_after, std::nullopt);
  EXPECT_EQ(metrics.api_requests.at(ApiVerb::kGet, ApiCode::k429).value(), 4U);
}

TEST(HttpClient, ReadsTheTokenAnewOn401AndAsksOnceMore) {
  const TinyServer server([](const Connection& connection, const std::string& request) {
    const bool good = request.find("\r\nAuthorization: Bearer new\r\n") != std::string::npos;
    return connection.write(TinyServer::answer(good ? 200 : 401, good ? "fine" : "who?"));
  });
  const TemporaryDirectory file;
  file.write("token", "old");
  ApiConfig config;
  config.server = server.url();
  config.token_file = file.path("token");
  Metrics metrics;
  const auto client = client_for(config, metrics);

  const HttpResponse refused = ask(*client, {.path = "/"});  // the file still says "old"
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.body, "who?");
  EXPECT_EQ(server.requests().size(), 1U);

  file.write("token", "new");
  const HttpResponse taken = ask(*client, {.path = "/"});
  EXPECT_EQ(taken.status, 200);
  EXPECT_EQ(taken.body, "fine");
  EXPECT_EQ(server.requests().size(), 3U);
  EXPECT_EQ(ask(*client, {.path = "/"}).status, 200);
  EXPECT_EQ(server.requests().size(), 4U);
  EXPECT_EQ(metrics.api_requests.at(ApiVerb::kGet, ApiCode::k401).value(), 2U);

  file.write("token", "revoked");  // and a server that refuses everything is not asked for ever
  const TinyServer hostile(always(TinyServer::answer(401, "")));
  config.server = hostile.url();
  const auto other = client_for(config, metrics);
  file.write("token", "another");
  EXPECT_EQ(ask(*other, {.path = "/"}).status, 401);
  EXPECT_LE(hostile.requests().size(), 2U);
}

TEST(HttpClient, StreamsPieceByPieceToTheCleanEnd) {
  const TinyServer server([](const Connection& connection, const std::string&) {
    return connection.write(std::string(TinyServer::kChunked) + TinyServer::chunk("one\n")) &&
           connection.write(TinyServer::chunk("two\n") + TinyServer::chunk(""));
  });
  Metrics metrics;
  const auto client = client_for(server, metrics);
  std::string body;
  std::optional<HttpResponse> end;
  client->stream(
      {.verb = ApiVerb::kWatch, .path = "/w"},
      [&body](std::string_view piece) {
        body += piece;
        return true;
      },
      [&end](HttpResponse response) { end = std::move(response); });
  run(*client, [&end] { return end.has_value(); });
  EXPECT_EQ(body, "one\ntwo\n");
  EXPECT_EQ(end->status, 200);
  EXPECT_EQ(end->body + end->error, "");
}

TEST(HttpClient, ACutStreamOrAnswerIsNoAnswer) {
  std::atomic<bool> chunked{true};
  const TinyServer server([&chunked](const Connection& connection, const std::string&) {
    connection.write(chunked ? std::string(TinyServer::kChunked) + TinyServer::chunk("one\n")
                             : "HTTP/1.1 201 Created\r\nContent-Length: 99\r\n\r\nhalf");
    return false;
  });
  Metrics metrics;
  const auto client = client_for(server, metrics);
  std::string body;
  std::optional<HttpResponse> end;
  client->stream(
      {.verb = ApiVerb::kWatch, .path = "/w"},
      [&body](std::string_view piece) {
        body += piece;
        return true;
      },
      [&end](HttpResponse response) { end = std::move(response); });
  run(*client, [&end] { return end.has_value(); });
  EXPECT_EQ(body, "one\n");
  EXPECT_EQ(end->status, 0);
  EXPECT_THAT(end->error, StartsWith(server.url()));
  EXPECT_EQ(metrics.api_requests.at(ApiVerb::kWatch, ApiCode::kError).value(), 1U);

  chunked = false;
  const HttpResponse half = ask(*client, {.path = "/"});
  EXPECT_EQ(half.status, 0);
  EXPECT_NE(half.error, "");
  EXPECT_EQ(half.body, "");
}

TEST(HttpClient, ARefusedStreamGivesItsBodyToDone) {
  const TinyServer server(always(TinyServer::answer(403, std::string(200'000, 'x'))));
  Metrics metrics;
  const auto client = client_for(server, metrics);
  std::optional<HttpResponse> end;
  client->stream(
      {.verb = ApiVerb::kList, .path = "/l"},
      [](std::string_view) {
        ADD_FAILURE() << "the body of a refusal is no data";
        return true;
      },
      [&end](HttpResponse response) { end = std::move(response); });
  run(*client, [&end] { return end.has_value(); });
  EXPECT_EQ(end->status, 403);
  EXPECT_LE(end->body.size(), 65'536U);
  EXPECT_GT(end->body.size(), 30'000U);
}

TEST(HttpClient, TheReaderMayEndAStream) {
  const TinyServer server([](const Connection& connection, const std::string&) {
    connection.write(std::string(TinyServer::kChunked) + TinyServer::chunk("enough\n"));
    connection.wait_for_close();
    return false;
  });
  Metrics metrics;
  const auto client = client_for(server, metrics);
  std::optional<HttpResponse> end;
  client->stream(
      {.verb = ApiVerb::kWatch, .path = "/w"}, [](std::string_view) { return false; },
      [&end](HttpResponse response) { end = std::move(response); });
  run(*client, [&end] { return end.has_value(); });
  EXPECT_EQ(end->status, 200);
  EXPECT_EQ(end->error, "");
}

TEST(HttpClient, AnAnswerTooLargeIsAnError) {
  const TinyServer server(always(TinyServer::answer(200, std::string(2'000, 'x'))));
  Metrics metrics;
  const auto client = client_for(server, metrics, {.max_body = 1'000});
  const HttpResponse got = ask(*client, {.path = "/"});
  EXPECT_EQ(got.status, 0);
  EXPECT_THAT(got.error, HasSubstr("larger than 1000 bytes"));
}

TEST(HttpClient, AServerThatDoesNotAnswerTimesOut) {
  const TinyServer server([](const Connection& connection, const std::string&) {
    connection.wait_for_close();
    return false;
  });
  Metrics metrics;
  const auto client = client_for(server, metrics);
  const SteadyTime begin = steady_now();
  const HttpResponse got = ask(*client, {.path = "/", .timeout = 200ms});
  EXPECT_EQ(got.status, 0);
  EXPECT_THAT(got.error, HasSubstr("did not answer in time"));
  EXPECT_TRUE(got.timed_out);
  EXPECT_LT(steady_now() - begin, 2s);
}

TEST(HttpClient, ARefusedPortSaysSo) {
  std::string url;
  { url = TinyServer(always("")).url(); }  // a port that nobody listens on any more
  ApiConfig config;
  config.server = url;
  Metrics metrics;
  const auto client = client_for(config, metrics);
  const HttpResponse got = ask(*client, {.path = "/"});
  EXPECT_EQ(got.status, 0);
  EXPECT_THAT(got.error, StartsWith(url));
  EXPECT_THAT(got.error, HasSubstr("is the API server up"));
  EXPECT_EQ(metrics.api_requests.at(ApiVerb::kGet, ApiCode::kError).value(), 1U);
}

TEST(HttpClient, RedirectsAreNotFollowed) {
  const TinyServer server(always(TinyServer::answer(302, "", "Location: /elsewhere\r\n")));
  Metrics metrics;
  const auto client = client_for(server, metrics);
  EXPECT_EQ(ask(*client, {.path = "/"}).status, 302);
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST(HttpClient, TheEnvironmentsProxyIsNotUsed) {
  const TinyServer server(always(TinyServer::answer(200, "direct")));
  const TinyServer proxy(always(TinyServer::answer(200, "proxied")));
  setenv("http_proxy", proxy.url().c_str(), 1);
  Metrics metrics;
  const auto client = client_for(server, metrics);
  EXPECT_EQ(ask(*client, {.path = "/"}).body, "direct");
  unsetenv("http_proxy");
  ApiConfig config;
  config.server = server.url();
  config.proxy = proxy.url();
  setenv("no_proxy", "*",
         1);  // nor its exceptions: as client-go, the kubeconfig's proxy is for all
  const auto proxied = client_for(config, metrics);
  EXPECT_EQ(ask(*proxied, {.path = "/"}).body, "proxied");
  unsetenv("no_proxy");
}

TEST(HttpClient, CancelledMeansNoCallback) {
  const TinyServer server([](const Connection& connection, const std::string& request) {
    if (!request.starts_with("GET /open")) return connection.write(TinyServer::answer(200, "x"));
    connection.wait_for_close();  // an answer might be there before the cancel
    return false;
  });
  Metrics metrics;
  const auto client = client_for(server, metrics);
  const auto never = [](const HttpResponse&) { ADD_FAILURE() << "cancelled"; };
  client->cancel(client->send({.path = "/queued"}, never));
  const Http::Id open = client->send({.path = "/open"}, never);
  client->poll(0ms);
  client->cancel(open);
  client->cancel(open);
  client->cancel(12'345);
  EXPECT_EQ(ask(*client, {.path = "/"}).status, 200);
}

TEST(HttpClient, CallbacksMaySendAndCancel) {
  const TinyServer server([](const Connection& connection, const std::string& request) {
    if (!request.starts_with("GET /stream")) return connection.write(TinyServer::answer(200, "x"));
    connection.write(std::string(TinyServer::kChunked) + TinyServer::chunk("1"));
    connection.wait_for_close();
    return false;
  });
  Metrics metrics;
  const auto client = client_for(server, metrics);
  const auto never = [](const HttpResponse&) { ADD_FAILURE() << "cancelled"; };

  // Inside a data callback: itself, another that is open, and a new one.
  bool sent = false;
  Http::Id other = 0, self = 0;
  other = client->stream(
      {.path = "/stream/other"}, [](std::string_view) { return true; }, never);
  self = client->stream(
      {.path = "/stream/self"},
      [&](std::string_view) {
        client->cancel(other);
        client->cancel(self);
        client->send({.path = "/new"}, [&sent](const HttpResponse& r) { sent = r.status == 200; });
        return true;
      },
      never);
  run(*client, [&sent] { return sent; });

  // Inside a done callback: whoever ends first cancels the other, and asks again.
  int ended = 0, again = 0;
  Http::Id a = 0, b = 0;
  const auto first = [&](const HttpResponse&) {
    ++ended;
    client->cancel(a);
    client->cancel(b);
    client->send({.path = "/again"}, [&again](const HttpResponse&) { ++again; });
  };
  a = client->send({.path = "/a"}, first);
  b = client->send({.path = "/b"}, first);
  run(*client, [&again] { return again > 0; });
  EXPECT_EQ(ended, 1);
  EXPECT_EQ(again, 1);
}

TEST(HttpClient, TooManyAtOnceFailAtOnce) {
  const TinyServer server([](const Connection& connection, const std::string&) {
    connection.wait_for_close();
    return false;
  });
  Metrics metrics;
  const auto client = client_for(server, metrics, {.max_open = 3});
  std::vector<std::string> errors;
  for (int i = 0; i < 5; ++i) {
    client->send({.path = "/"}, [&errors](const HttpResponse& r) { errors.push_back(r.error); });
  }
  run(*client, [&errors] { return errors.size() == 2; });
  for (const std::string& error : errors) EXPECT_THAT(error, HasSubstr("too many requests"));
}

TEST(HttpClient, WakesFromAnyThread) {
  Metrics metrics;
  ApiConfig config;
  config.server = "http://127.0.0.1:1";
  const auto client = client_for(config, metrics);
  std::thread waker([&client] {
    std::this_thread::sleep_for(50ms);
    client->wake();
  });
  const SteadyTime begin = steady_now();
  client->poll(10s);
  EXPECT_LT(steady_now() - begin, 5s);
  waker.join();
  client->wake();  // before poll() counts too
  const SteadyTime again = steady_now();
  client->poll(10s);
  EXPECT_LT(steady_now() - again, 5s);
}

TEST(HttpClient, ItsEndCallsNobody) {
  const TinyServer server([](const Connection& connection, const std::string&) {
    connection.wait_for_close();
    return false;
  });
  Metrics metrics;
  const auto client = client_for(server, metrics);
  client->send({.path = "/"}, [](const HttpResponse&) { ADD_FAILURE(); });
  client->poll(10ms);
  client->send({.path = "/"}, [](const HttpResponse&) { ADD_FAILURE(); });
}

// An eventfd, and the time of its owner's next turn.
struct Guest : PollGuest {
  void prepare(std::vector<pollfd>& fds, std::chrono::milliseconds& max_wait) override {
    fds.push_back({fd.get(), POLLIN, 0});
    max_wait = std::min(max_wait, turn);
  }
  void process(std::span<const pollfd> fds) override {
    ++turns;
    was_ready = fds.size() == 1 && (fds[0].revents & POLLIN) != 0;
  }
  UniqueFd fd{::eventfd(0, EFD_CLOEXEC)};
  std::chrono::milliseconds turn{60'000};
  int turns = 0;
  bool was_ready = false;
};

TEST(Pollers, WaitForAGuestsSocketsAndTurns) {
  Metrics metrics;
  ApiConfig config;
  config.server = "http://127.0.0.1:9";
  const auto client = client_for(std::move(config), metrics);
  EventfdPoller offline;
  for (Poller* poller : {static_cast<Poller*>(client.get()), static_cast<Poller*>(&offline)}) {
    Guest guest;
    poller->invite(guest);
    poller->poll(1ms);
    EXPECT_EQ(guest.turns, 1);
    EXPECT_FALSE(guest.was_ready);
    const SteadyTime start = steady_now();
    ::eventfd_write(guest.fd.get(), 1);
    poller->poll(60s);
    EXPECT_TRUE(guest.was_ready);
    eventfd_t value = 0;
    ::eventfd_read(guest.fd.get(), &value);
    guest.turn = 1ms;
    poller->poll(60s);
    EXPECT_EQ(guest.turns, 3);
    EXPECT_FALSE(guest.was_ready);
    guest.turn = 60s;
    poller->wake();
    poller->poll(60s);
    EXPECT_EQ(guest.turns, 4);
    EXPECT_LT(steady_now() - start, 30s);
  }
}

TEST(HttpClient, AGuestHasItsTurnHoweverBusyWeAre) {
  const TinyServer server(always(TinyServer::answer(200, "{}")));
  Metrics metrics;
  const auto client = client_for(server, metrics);
  Guest guest;
  client->invite(guest);
  int answers = 0;
  const Http::Done again = [&](const HttpResponse&) {
    if (++answers < 20) client->send({.path = "/x"}, again);
  };
  client->send({.path = "/x"}, again);
  int polls = 0;
  for (; answers < 20 && polls < 1000; ++polls) client->poll(50ms);
  EXPECT_EQ(answers, 20);
  EXPECT_EQ(guest.turns, polls);
}

}  // namespace
}  // namespace kube_nflog
