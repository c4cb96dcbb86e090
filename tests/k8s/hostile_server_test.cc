// SPDX-License-Identifier: Apache-2.0
// What servers, proxies and load balancers say instead of an answer, through the real HttpClient:
// the watch of Pods goes on from where it was or lists again, and a write is told from what is
// none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "k8s/event_poster.h"
#include "k8s/pod_watch.h"
#include "tests/fakes/tiny_server.h"
#include "tests/k8s/ask.h"
#include "tests/k8s/make.h"

namespace kube_nflog {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

// What is done about one request. False: the connection is closed.
using Act = std::function<bool(const Connection&)>;

Act say(std::string bytes) {
  return [bytes = std::move(bytes)](const Connection& c) { return c.write(bytes); };
}
Act say_and_close(std::string bytes) {
  return [bytes = std::move(bytes)](const Connection& c) { return c.write(bytes) && false; };
}
Act say_and_hold(std::string bytes) {
  return [bytes = std::move(bytes)](const Connection& c) {
    c.write(bytes);
    c.wait_for_close();
    return false;
  };
}
Act drip(std::string bytes) {
  return [bytes = std::move(bytes)](const Connection& c) {
    for (const char byte : bytes) {
      if (!c.write({&byte, 1})) return false;
      std::this_thread::sleep_for(200us);
    }
    return true;
  };
}

std::string pod(const std::string& uid, const std::string& ip, const std::string& more = "") {
  return R"({"metadata":{"name":"pod-)" + uid + R"(","namespace":"shop","uid":")" + uid +
         R"(","resourceVersion":"6")" + more + R"(},"spec":{"nodeName":"n"},)" +
         R"("status":{"phase":"Running","podIPs":[{"ip":")" + ip + "\"}]}}";
}
std::string list(const std::string& items) {
  return R"({"kind":"PodList","metadata":{"resourceVersion":"5"},"items":[)" + items + "]}";
}
std::string added(const std::string& object) {
  return R"({"type":"ADDED","object":)" + object + "}\n";
}
std::string error_event(int code, const std::string& reason) {
  return R"({"type":"ERROR","object":{"kind":"Status","reason":")" + reason + R"(","code":)" +
         std::to_string(code) + "}}\n";
}
std::string stream(const std::string& bytes) {
  return std::string(TinyServer::kChunked) + TinyServer::chunk(bytes);
}
std::string whole_stream(const std::string& bytes) { return stream(bytes) + "0\r\n\r\n"; }
std::string status_json(int code, const std::string& reason) {
  return R"({"kind":"Status","reason":")" + reason + R"(","message":"no","code":)" +
         std::to_string(code) + "}";
}

const std::string kHtml = "<html><body><h1>Bad Gateway</h1></body></html>";
const std::string kHtmlType = "Content-Type: text/html\r\n";
const std::string kBusy = "Too many requests, please try again later.";
const Act kGoodList = say(TinyServer::answer(200, list(pod("a", "10.1.0.1"))));
const Act kGoodWatch = say_and_hold(std::string(TinyServer::kChunked));

class HostileServer : public testing::Test {
 protected:
  // The first request meets the first act, and so on.
  void start(std::vector<Act> acts, PodWatchOptions options = {}) {
    watch_.reset();
    client_.reset();
    index_.emplace();
    server_.reset();  // whose threads read acts_
    acts_ = std::move(acts);
    server_ = std::make_unique<TinyServer>([this](const Connection& c, const std::string&) {
      std::optional<Act> act;
      {
        const std::lock_guard lock(mutex_);
        if (next_ < acts_.size()) act = acts_[next_++];
      }
      return act ? (*act)(c) : kGoodWatch(c);
    });
    next_ = 0;
    client_ = client_for(*server_, metrics_, {.max_body = 65'536});
    options.node_name = "n";
    options.backoff = {1ms, 20ms};
    options.max_line = 65'536;
    watch_.emplace(*client_, *index_, metrics_, options, steady_now, [] { return 0.5; });
  }
  ~HostileServer() override {
    watch_.reset();
    client_.reset();
    server_.reset();
  }
  // Runs the watch until so many requests have come.
  std::vector<std::string> requests(std::size_t count) {
    const SteadyTime end = steady_now() + 20s;
    while ((server_->requests().size() < count || !watch_->synced()) && steady_now() < end) {
      watch_->tick(steady_now());
      client_->poll(10ms);
    }
    std::vector<std::string> lines;
    for (const std::string& request : server_->requests())
      lines.push_back(request.substr(0, request.find("\r\n")));
    EXPECT_GE(lines.size(), count);
    lines.resize(std::max(lines.size(), count));
    return lines;
  }
  std::string who(const char* ip) {
    const Owner owner = index_->find(make::ip(ip), steady_now());
    return owner.pod ? owner.pod->uid : "";
  }

  std::mutex mutex_;
  std::vector<Act> acts_;
  std::size_t next_ = 0;
  Metrics metrics_;
  std::unique_ptr<TinyServer> server_;
  std::unique_ptr<HttpClient> client_;
  std::optional<PodIndex> index_;
  std::optional<PodWatch> watch_;
};

TEST_F(HostileServer, WhatIsNoListIsAskedForAgain) {
  const std::string good = list(pod("b", "10.1.0.2"));
  const std::vector<Act> bad = {
      say_and_close(""),
      say_and_close({'\x15', '\x03', '\x01', '\0', '\x02', '\x02', '\x46'}),  // a TLS alert
      say_and_close("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + good),
      say_and_close(stream(good.substr(0, 150))),
      say_and_close(std::string(TinyServer::kChunked) + "zz\r\n" + good),
      say(whole_stream(good.substr(0, 150))),
      say(TinyServer::answer(200, "")),
      say(TinyServer::answer(200, "{\"kind\":\"PodList\",")),
      say(TinyServer::answer(200, kHtml, kHtmlType)),
      say(TinyServer::answer(200, status_json(200, ""))),
      say(TinyServer::answer(200, good, "Content-Encoding: gzip\r\n")),
      say_and_close("HTTP/1.1 200 OK\r\nX: " + std::string(400'000, 'x') + "\r\n\r\n" + good),
      say(TinyServer::answer(204, "")),
      say(TinyServer::answer(301, good, "Location: /elsewhere\r\n")),
      say(TinyServer::answer(307, "", "Location: http://192.0.2.1/\r\n")),
      say(TinyServer::answer(401, status_json(401, "Unauthorized"))),
      say(TinyServer::answer(403, status_json(403, "Forbidden"))),
      say(TinyServer::answer(410, status_json(410, "Expired"))),
      say(TinyServer::answer(410, "gone")),
      say(TinyServer::answer(429, kBusy, "Content-Type: text/plain\r\n")),
      say(TinyServer::answer(429, kBusy, "Retry-After: 1\r\n")),
      say(TinyServer::answer(429, status_json(429, "TooManyRequests"))),
      say(TinyServer::answer(500, status_json(500, "InternalError"))),
      say(TinyServer::answer(502, kHtml, kHtmlType)),
      say(TinyServer::answer(503, std::string(200'000, 'x'), kHtmlType)),
      say(TinyServer::answer(504, status_json(504, "Timeout"))),
      say_and_close("HTTP/1.0 500 Oops\r\n\r\n" + kHtml),
  };
  for (std::size_t i = 0; i < bad.size(); ++i) {
    SCOPED_TRACE(i);
    start({bad[i], kGoodList, kGoodWatch});
    const auto asked = requests(3);
    EXPECT_THAT(asked[1], StartsWith("GET /api/v1/pods?fieldSelector=spec.nodeName%3Dn&"));
    EXPECT_THAT(asked[1], HasSubstr("resourceVersion=0"));
    EXPECT_THAT(asked[2], HasSubstr("watch=1&allowWatchBookmarks=true&resourceVersion=5&"));
    EXPECT_EQ(who("10.1.0.1"), "a");
  }
}

TEST_F(HostileServer, AnOddListIsAListAllTheSame) {
  const std::string good = list(pod("a", "10.1.0.1"));
  const std::string huge =
      pod("h", "10.1.0.9", R"(,"annotations":{"x":")" + std::string(5U << 20, 'x') + "\"}");
  std::string thousands;
  for (int i = 0; i < 5'000; ++i)
    thousands += pod("t" + std::to_string(i), "10.2.0.1", R"(,"labels":{"x":"y"})") + ",";
  const std::vector<Act> odd = {
      drip(TinyServer::answer(200, good)),
      drip(whole_stream(good)),
      say_and_close("HTTP/1.0 200 OK\r\n\r\n" + good),
      say_and_close("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + good),
      say(TinyServer::answer(200, good, kHtmlType)),
      say("HTTP/1.1 100 Continue\r\n\r\n" + TinyServer::answer(200, good)),
      say(TinyServer::answer(200, list(huge + "," + pod("a", "10.1.0.1")))),
      say(TinyServer::answer(200, list(thousands + pod("a", "10.1.0.1")))),
  };
  for (std::size_t i = 0; i < odd.size(); ++i) {
    SCOPED_TRACE(i);
    start({odd[i], kGoodWatch});
    EXPECT_THAT(requests(2)[1], HasSubstr("watch=1"));
    EXPECT_EQ(who("10.1.0.1"), "a");
    EXPECT_EQ(who("10.1.0.9"), "");  // larger than any Pod may be: left out
  }
}

TEST_F(HostileServer, AWatchGoesOnOrListsAgain) {
  struct Case {
    Act act;
    const char* next;
  };
  constexpr const char* kResumed = "watch=1&allowWatchBookmarks=true&resourceVersion=5&";
  constexpr const char* kFrom6 = "watch=1&allowWatchBookmarks=true&resourceVersion=6&";
  constexpr const char* kListed = "&resourceVersion=5 HTTP";
  const std::vector<Case> cases = {
      {say_and_close(""), kResumed},
      {say_and_close(std::string(TinyServer::kChunked)), kResumed},
      {say(whole_stream("")), kResumed},
      {say_and_close(stream("{\"type\":\"ADD")), kResumed},
      {say_and_close(stream(added(pod("b", "10.1.0.2")) + "{\"type\":")), kFrom6},
      {say(whole_stream(added(pod("b", "10.1.0.2")))), kFrom6},
      {say_and_close("HTTP/1.0 200 OK\r\n\r\n" + added(pod("b", "10.1.0.2"))), kFrom6},
      {say_and_close("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"), kResumed},  // as by GOAWAY
      {drip(whole_stream(added(pod("b", "10.1.0.2")))), kFrom6},
      {say(TinyServer::answer(401, status_json(401, "Unauthorized"))), kResumed},
      {say(TinyServer::answer(403, status_json(403, "Forbidden"))), kResumed},
      {say(TinyServer::answer(429, kBusy)), kResumed},
      {say(TinyServer::answer(429, status_json(429, "TooManyRequests"), "Retry-After: 1\r\n")),
       kResumed},
      {say(TinyServer::answer(500, status_json(500, "InternalError"))), kResumed},
      {say(TinyServer::answer(502, kHtml, kHtmlType)), kResumed},
      {say(TinyServer::answer(504, kHtml, kHtmlType)), kResumed},
      {say_and_hold(stream(error_event(500, "InternalError"))), kResumed},
      {say_and_hold(stream(error_event(429, "TooManyRequests"))), kResumed},
      {say_and_hold(stream(error_event(410, "Expired"))), kListed},
      {say_and_hold(stream(error_event(0, "Gone"))), kListed},
      {say(TinyServer::answer(410, status_json(410, "Gone"))), kListed},
      {say_and_close("HTTP/1.0 410 Gone\r\n\r\ntoo old"), kListed},
      {say(TinyServer::answer(400, status_json(400, "BadRequest"))), kListed},
      {say(TinyServer::answer(302, "", "Location: /elsewhere\r\n")), kListed},
      {say_and_hold(stream("{]\n")), kListed},
      {say_and_hold(stream(kHtml + "\n")), kListed},
      {say_and_hold(stream(std::string(300'000, 'x'))), kListed},
      {say(whole_stream(added(pod("h", "10.1.0.9",
                                  R"(,"annotations":{"x":")" + std::string(100'000, 'x') + "\"}")) +
                        added(pod("b", "10.1.0.2")))),
       kFrom6},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE(i);
    start({kGoodList, cases[i].act, kGoodList, kGoodWatch});
    const auto asked = requests(3);
    EXPECT_THAT(asked[1], HasSubstr(kResumed));
    EXPECT_THAT(asked[2], HasSubstr(cases[i].next));
    EXPECT_EQ(who("10.1.0.1"), "a");
    if (cases[i].next == kFrom6) {
      EXPECT_EQ(who("10.1.0.2"), "b");
    }
  }
}

TEST_F(HostileServer, WhatStallsIsAskedForOnANewConnection) {
  const PodWatchOptions impatient{.list_silence = 1s, .watch_silence = 1s};
  start({say_and_hold("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{\"kind\":"), kGoodList,
         say_and_hold(stream(added(pod("b", "10.1.0.2")))), kGoodWatch},
        impatient);
  const auto asked = requests(4);
  EXPECT_THAT(asked[1], HasSubstr("resourceVersion=0"));
  EXPECT_THAT(asked[3], HasSubstr("watch=1&allowWatchBookmarks=true&resourceVersion=6&"));
  EXPECT_EQ(metrics_.watch_restarts[WatchEnd::kStalled].value(), 1U);
  EXPECT_GE(server_->connections(), 3U);
}

class HostileToWrites : public HostileServer {
 protected:
  HostileToWrites() {
    EventSubject subject;
    subject.pod = {"shop", "web", "uid-web"};
    subject.message = "Packet dropped.";
    subject_ = std::make_shared<const EventSubject>(subject);
  }
  WriteOutcome write(std::vector<Act> acts) {
    start(std::move(acts));
    EventPoster poster(*client_, metrics_, {.reason = "PacketDrop", .node = "n"});
    std::optional<WriteOutcome> outcome;
    EventRecord record;
    record.total = 5;
    record.stamp = "run.1";
    EXPECT_TRUE(poster.write(
        {subject_, record}, [&outcome](const EventWrite&, const WriteOutcome& o) { outcome = o; }));
    run(*client_, [&outcome] { return outcome.has_value(); });
    return outcome.value_or(WriteOutcome{});
  }
  std::shared_ptr<const EventSubject> subject_;
};

TEST_F(HostileToWrites, EachAnswerHasItsVerdict) {
  using Verdict = WriteOutcome::Verdict;
  struct Case {
    Act act;
    Verdict verdict;
    bool overloaded = false;
  };
  const std::string terminating =
      R"({"kind":"Status","reason":"Forbidden","details":{"causes":[{"reason":"NamespaceTerminating"}]},"code":403})";
  const std::vector<Case> cases = {
      {say(TinyServer::answer(201, "{}")), Verdict::kWritten},
      {say(TinyServer::answer(201, kHtml, kHtmlType)), Verdict::kWritten},
      {say(TinyServer::answer(202, "")), Verdict::kWritten},
      {say_and_close("HTTP/1.0 201 Created\r\n\r\nok"), Verdict::kWritten},
      {drip(TinyServer::answer(201, "{}")), Verdict::kWritten},
      {say_and_close(""), Verdict::kRetry},
      {say_and_close("HTTP/1.1 201 Created\r\nContent-Length: 99\r\n\r\n{"), Verdict::kRetry},
      {say(TinyServer::answer(201, std::string(100'000, 'x'))), Verdict::kRetry},  // too large
      {say(TinyServer::answer(204, "")), Verdict::kRetry},
      {say(TinyServer::answer(302, "", "Location: /elsewhere\r\n")), Verdict::kRetry},
      {say(TinyServer::answer(307, "", "Location: /elsewhere\r\n")), Verdict::kRetry},
      {say(TinyServer::answer(401, status_json(401, "Unauthorized"))), Verdict::kRetry},
      {say(TinyServer::answer(429, kBusy, "Retry-After: 1\r\n")), Verdict::kRetry, true},
      {say(TinyServer::answer(429, status_json(429, "TooManyRequests"))), Verdict::kRetry, true},
      {say(TinyServer::answer(500, kHtml, kHtmlType)), Verdict::kRetry, true},
      {say(TinyServer::answer(502, kHtml, kHtmlType)), Verdict::kRetry, true},
      {say(TinyServer::answer(503, "")), Verdict::kRetry, true},
      {say(TinyServer::answer(504, status_json(504, "Timeout"))), Verdict::kRetry, true},
      {say(TinyServer::answer(403, status_json(403, "Forbidden"))), Verdict::kForbidden},
      {say(TinyServer::answer(403, kHtml, kHtmlType)), Verdict::kForbidden},
      {say(TinyServer::answer(403, terminating)), Verdict::kNamespaceRefused},
      {say(TinyServer::answer(404, status_json(404, "NotFound"))), Verdict::kNamespaceRefused},
      {say(TinyServer::answer(413, kHtml, kHtmlType)), Verdict::kRefused},
      {say(TinyServer::answer(422, status_json(422, "Invalid"))), Verdict::kRefused},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE(i);
    const WriteOutcome outcome = write({cases[i].act});
    EXPECT_EQ(outcome.verdict, cases[i].verdict);
    EXPECT_EQ(outcome.overloaded, cases[i].overloaded);
    EXPECT_EQ(server_->requests().size(), 1U);
  }
}

TEST_F(HostileToWrites, AConflictWhoseEventCannotBeReadIsTriedLater) {
  const Act conflict = say(TinyServer::answer(409, status_json(409, "AlreadyExists")));
  using Verdict = WriteOutcome::Verdict;
  const std::vector<std::pair<Act, Verdict>> cases{
      {say(TinyServer::answer(200, "{\"kind\":\"Event\",")), Verdict::kConflict},
      {say(TinyServer::answer(200, kHtml, kHtmlType)), Verdict::kConflict},
      {say_and_close(stream("{")), Verdict::kRetry},
      {say(TinyServer::answer(429, kBusy)), Verdict::kRetry},
      {say(TinyServer::answer(502, kHtml, kHtmlType)), Verdict::kRetry}};
  for (std::size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE(i);
    EXPECT_EQ(write({conflict, cases[i].first}).verdict, cases[i].second);
  }
}

}  // namespace
}  // namespace kube_nflog
