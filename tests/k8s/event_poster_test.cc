// SPDX-License-Identifier: Apache-2.0
#include "k8s/event_poster.h"

#include <gtest/gtest.h>

#include "k8s/event_key.h"
#include "tests/fakes/fake_http.h"
#include "tests/k8s/make.h"

namespace kube_nflog {
namespace {

using namespace std::chrono_literals;
using make::wall;
using Verdict = WriteOutcome::Verdict;

class EventPosterTest : public testing::Test {
 protected:
  EventPosterTest() {
    EventSubject s;
    s.pod = {"shop", "web", "uid-web"};
    s.message = "Packet dropped when receiving traffic from 10.0.0.1.";
    s.key = 0xabc;
    subject = std::make_shared<const EventSubject>(s);
    record.total = 5;
    record.first = wall(100);
    record.last = wall(200);
    record.stamp = "run.1";
  }
  void write() {
    outcome.reset();
    ASSERT_TRUE(poster.write({subject, record}, [this](const EventWrite& w, const WriteOutcome& o) {
      record = w.record;
      outcome = o;
    }));
  }
  // The Event on the server, as some writer left it.
  std::string stored(std::uint64_t count, const std::string& stamp, std::uint64_t stamped,
                     const std::string& version = "77", const std::string& facts = "") const {
    return R"({"kind":"Event","metadata":{"resourceVersion":")" + version +
           R"(","annotations":{"kube-nflog/drop":")" + facts + R"(","kube-nflog/tally":")" + stamp +
           " " + std::to_string(stamped) + R"("}},"firstTimestamp":")" + "2026-08-22T10:01:02Z" +
           R"(","count":)" + std::to_string(count) + "}";
  }
  bool has(const std::string& text) const {
    return http.last().body.find(text) != std::string::npos;
  }

  FakeHttp http;
  Metrics metrics;
  EventPoster poster{http, metrics, {"PacketDrop", "kube-nflog", "node-1"}};
  std::shared_ptr<const EventSubject> subject;
  EventRecord record;
  std::optional<WriteOutcome> outcome;
  const std::string path = "/api/v1/namespaces/shop/events";
  const std::string event_path = path + "/web.0000000000000abc";
};

TEST_F(EventPosterTest, PostsANewOneAndPatchesARepeat) {
  write();
  EXPECT_EQ(http.last().verb, ApiVerb::kCreate);
  EXPECT_EQ(http.last().path, path);
  EXPECT_EQ(http.last().content_type, "application/json");
  EXPECT_FALSE(outcome);
  http.answer(201, stored(5, "run.1", 5, "1"));
  EXPECT_EQ(outcome->verdict, Verdict::kWritten);
  EXPECT_TRUE(record.exists);

  record.total = 9;
  record.told = 5;
  write();
  EXPECT_EQ(http.last().verb, ApiVerb::kPatch);
  EXPECT_EQ(http.last().path, event_path);
  EXPECT_EQ(http.last().content_type, "application/strategic-merge-patch+json");
  EXPECT_TRUE(has(R"("resourceVersion":"1")")) << http.last().body;
  EXPECT_TRUE(has(R"("count":9)"));
  http.answer(200, "not json");  // the status decides
  EXPECT_EQ(outcome->verdict, Verdict::kWritten);
  EXPECT_EQ(record.resource_version, "");
  EXPECT_EQ(metrics.events_written.at(ApiVerb::kCreate, ApiCode::k2xx).value(), 1U);
  EXPECT_EQ(metrics.events_written.at(ApiVerb::kPatch, ApiCode::k2xx).value(), 1U);
  EXPECT_EQ(metrics.event_write_seconds.buckets()[0].value(), 2U);  // answered at once
}

TEST_F(EventPosterTest, ContinuesAnEarlierRunsEvent) {
  write();
  http.answer(409, "{}");
  EXPECT_EQ(http.last().verb, ApiVerb::kGet);
  EXPECT_EQ(http.last().path, event_path);
  http.answer(200, stored(100, "other.7", 40));
  EXPECT_EQ(http.last().verb, ApiVerb::kPatch);
  EXPECT_TRUE(has(R"("count":105)")) << http.last().body;
  EXPECT_TRUE(has(R"("resourceVersion":"77")"));
  EXPECT_TRUE(has("run.1 5"));
  http.answer(200, "{}");
  EXPECT_EQ(outcome->verdict, Verdict::kWritten);
  EXPECT_EQ(record.base, 100U);
  EXPECT_EQ(record.first, wall(0));  // since then
}

TEST_F(EventPosterTest, FindsItsOwnPostThatTimedOut) {
  write();
  http.fail("timed out");
  EXPECT_EQ(outcome->verdict, Verdict::kRetry);
  write();
  http.answer(409, "{}");
  http.answer(200, stored(5, "run.1", 5));
  EXPECT_EQ(outcome->verdict, Verdict::kWritten);  // nothing left to say
  EXPECT_EQ(http.size(), 3U);
  EXPECT_EQ(record.base, 0U);
}

TEST_F(EventPosterTest, ItsOwnPostThatTimedOutWithMoreToTell) {
  write();
  http.fail("timed out");
  record.total = 8;
  write();
  http.answer(409, "{}");
  http.answer(200, stored(5, "run.1", 5));
  EXPECT_TRUE(has(R"("count":8)")) << http.last().body;
  http.answer(200, "{}");
  EXPECT_EQ(outcome->verdict, Verdict::kWritten);
}

TEST_F(EventPosterTest, ItsOwnPatchThatTimedOutCountsOnce) {
  record = {.total = 9,
            .told = 5,
            .base = 100,
            .first = wall(),
            .last = wall(1),
            .stamp = "run.1",
            .exists = true,
            .resource_version = "1"};
  write();
  http.fail("timed out");  // but applied: version 2, 109 packets, 9 of them ours
  record.total = 12;
  write();
  EXPECT_TRUE(has(R"("count":112)"));
  http.answer(409, "{}");
  http.answer(200, stored(109, "run.1", 9, "2"));
  EXPECT_TRUE(has(R"("count":112)")) << http.last().body;
  EXPECT_TRUE(has(R"("resourceVersion":"2")"));
  http.answer(200, "{}");
  EXPECT_EQ(outcome->verdict, Verdict::kWritten);
  EXPECT_EQ(record.base, 100U);
}

TEST_F(EventPosterTest, AnotherNodesCountIsKept) {
  record = {.total = 9,
            .told = 5,
            .base = 0,
            .first = wall(),
            .last = wall(1),
            .stamp = "run.1",
            .exists = true,
            .resource_version = "1"};
  write();
  http.answer(409, "{}");
  http.answer(200, stored(5 + 30, "node2.1", 30));
  EXPECT_TRUE(has(R"("count":39)")) << http.last().body;
}

TEST_F(EventPosterTest, AnExpiredEventIsPostedAnewWithItsWholeCount) {
  record = {.total = 9,
            .told = 5,
            .base = 100,
            .first = wall(),
            .last = wall(1),
            .stamp = "run.1",
            .exists = true,
            .resource_version = "1"};
  write();
  http.answer(404, "{}");
  EXPECT_EQ(http.last().verb, ApiVerb::kCreate);
  EXPECT_TRUE(has(R"("count":109)"));
  EXPECT_TRUE(has(R"("firstTimestamp":"2026-08-22T10:01:02Z")"));
  EXPECT_FALSE(has("resourceVersion"));
  http.answer(201, "{}");
  EXPECT_EQ(outcome->verdict, Verdict::kWritten);
}

TEST_F(EventPosterTest, AnEventThatComesAndGoesIsRetriedLater) {
  write();
  for (int i = 0; i < 3; ++i) {
    http.answer(409, "{}");
    http.answer(404, "{}");
  }
  EXPECT_EQ(outcome->verdict, Verdict::kConflict);
  EXPECT_EQ(http.size(), 6U);
}

TEST_F(EventPosterTest, Verdicts) {
  const auto verdict_of = [&](long status) {
    record.exists = false;
    write();
    http.answer(status, "Too many requests, please try again later.");
    return outcome->verdict;
  };
  for (const long status : {401, 408, 429, 500, 502, 503, 504, 302, 206}) {
    EXPECT_EQ(verdict_of(status), Verdict::kRetry) << status;
  }
  for (const long status : {400, 405, 413, 415, 422}) {
    EXPECT_EQ(verdict_of(status), Verdict::kRefused) << status;
  }
  EXPECT_EQ(verdict_of(403), Verdict::kForbidden);
  EXPECT_EQ(verdict_of(404), Verdict::kNamespaceRefused);
  EXPECT_EQ(metrics.events_written.at(ApiVerb::kCreate, ApiCode::k429).value(), 1U);
}

TEST_F(EventPosterTest, ATerminatingNamespaceIsRefusedForGood) {
  write();
  http.answer(403,
              R"({"kind":"Status","status":"Failure","message":"events \"web.1\" is forbidden: )"
              R"(unable to create new content in namespace shop because it is being )"
              R"(terminated","reason":"Forbidden","details":{"name":"web.1","kind":"events",)"
              R"("causes":[{"reason":"NamespaceTerminating","field":"metadata.namespace"}]},)"
              R"("code":403})");
  EXPECT_EQ(outcome->verdict, Verdict::kNamespaceRefused);
}

TEST_F(EventPosterTest, PassesRetryAfterOn) {
  write();
  http.answer(HttpResponse{.status = 429, .body = "", .error = "", .retry_after = 3s});
  EXPECT_EQ(outcome->retry_after, 3s);
}

TEST_F(EventPosterTest, SaysWhetherTheServerIsOverloaded) {
  const auto overloaded = [this](HttpResponse response) {
    write();
    http.answer(std::move(response));
    return outcome->overloaded;
  };
  for (const long status : {408, 429, 500, 503, 504}) {
    EXPECT_TRUE(overloaded({.status = status})) << status;
  }
  EXPECT_TRUE(overloaded({.error = "it did not answer in time", .timed_out = true}));
  EXPECT_FALSE(overloaded({.error = "nothing answers there"}));
  EXPECT_FALSE(overloaded({.status = 401}));
}

TEST_F(EventPosterTest, AnEventThatExistsAndCannotBeReadIsAConflict) {
  const auto read_is_answered = [this](long status, const std::string& body) {
    record.exists = false;
    write();
    http.answer(409, "{}");
    http.answer(status, body);
    return outcome->verdict;
  };
  EXPECT_EQ(read_is_answered(200, "<html>proxy</html>"), Verdict::kConflict);
  EXPECT_EQ(read_is_answered(200, stored(5, std::string(2U << 20, 'x'), 5)), Verdict::kConflict);
  EXPECT_EQ(read_is_answered(403, "User cannot get resource events"), Verdict::kConflict);
  EXPECT_EQ(read_is_answered(403, "NamespaceTerminating"), Verdict::kNamespaceRefused);
  EXPECT_EQ(read_is_answered(429, "{}"), Verdict::kRetry);
}

TEST_F(EventPosterTest, EightWritesAtATime) {
  for (std::size_t i = 0; i < EventPoster::kMaxInFlight; ++i) {
    EXPECT_TRUE(poster.has_room());
    write();
  }
  EXPECT_FALSE(poster.has_room());
  http.answer(201, "{}");
  EXPECT_TRUE(poster.has_room());
}

// As with the count: what the Event had before us is part of what it says, but nobody knows which
// of those addresses are among ours.
TEST_F(EventPosterTest, TheAddressesOfAnEarlierRunCount) {
  EventSubject many = *subject;
  many.shared = true;
  many.peer_begin = std::string_view("Packet dropped when receiving traffic from ").size();
  many.peer_end = many.message.size() - 1;
  subject = std::make_shared<const EventSubject>(many);
  record.peers = {.addresses = 12, .memory = 1};
  write();
  EXPECT_TRUE(has("from 12 addresses, e.g. 10.0.0.1.")) << http.last().body;
  http.answer(409, "");
  http.answer(200, stored(100, "old.7", 60, "77", R"({\"peers\":30})"));
  EXPECT_EQ(http.last().verb, ApiVerb::kPatch);
  EXPECT_TRUE(has("from at least 30 addresses, e.g. 10.0.0.1.")) << http.last().body;
  EXPECT_TRUE(has(R"("count":105)"));
  http.answer(200, "");
  EXPECT_EQ(record.base_peers, 30U);

  record.total = 9;
  record.peers.addresses = 33;
  write();
  EXPECT_TRUE(has("from at least 33 addresses")) << http.last().body;
  http.answer(409, "");  // our own earlier word says nothing new
  http.answer(200, stored(105, "run.1", 5, "78", R"({\"peersAtLeast\":40})"));
  EXPECT_TRUE(has("from at least 33 addresses")) << http.last().body;
}

}  // namespace
}  // namespace kube_nflog
