// SPDX-License-Identifier: Apache-2.0
#include "k8s/pod_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/fakes/fake_http.h"

namespace kube_nflog {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kNode = "/api/v1/pods?fieldSelector=spec.nodeName%3Dworker-1&";

std::string pod(const std::string& uid, const std::string& ip, const std::string& version) {
  return R"({"metadata":{"name":"pod-)" + uid + R"(","namespace":"shop","uid":")" + uid +
         R"(","resourceVersion":")" + version + R"("},"spec":{"nodeName":"worker-1"},)" +
         R"("status":{"phase":"Running","podIPs":[{"ip":")" + ip + "\"}]}}";
}
std::string list(const std::string& version, const std::string& items,
                 const std::string& more = "") {
  return R"({"kind":"PodList","metadata":{"resourceVersion":")" + version + R"(","continue":")" +
         more + R"("},"items":[)" + items + "]}";
}
std::string event(const std::string& type, const std::string& object) {
  return R"({"type":")" + type + R"(","object":)" + object + "}\n";
}
std::string bookmark(const std::string& version) {
  return event("BOOKMARK", R"({"metadata":{"resourceVersion":")" + version + "\"}}");
}
std::string error_event(int code, const std::string& reason) {
  return event("ERROR", R"({"kind":"Status","reason":")" + reason + R"(","code":)" +
                            std::to_string(code) + "}");
}

class PodWatchTest : public testing::Test {
 protected:
  PodWatchTest() : PodWatchTest("worker-1") {}
  explicit PodWatchTest(const std::string& node)
      : watch_(
            http_, index_, metrics_,
            {.node_name = node, .max_line = 4'096, .wall = [this] { return wall_; }},
            [this] { return now_; }, [this] { return dice_; }) {}

  // Lets time pass as the deliver loop does.
  void pass(SteadyTime::duration time) {
    now_ += time;
    watch_.tick(now_);
    index_.expire(now_);
  }
  // The first list, with Pod a at 10.1.0.1, and then the watch from version 5.
  void sync() {
    watch_.tick(now_);
    http_.answer(200, list("5", pod("a", "10.1.0.1", "3")));
    ASSERT_TRUE(watch_.synced());
    ASSERT_THAT(http_.last().path, HasSubstr("watch=1"));
  }
  std::string who(const char* ip) {
    const Owner owner = index_.find(*IpAddr::parse(ip), now_);
    return owner.pod ? owner.pod->uid : "";
  }
  std::uint64_t restarts(WatchEnd why) { return metrics_.watch_restarts[why].value(); }
  // After whatever backoff and in whatever step: what is asked next.
  std::string next_path() {
    const std::size_t asked = http_.size();
    for (int i = 0; i < 100 && http_.size() == asked; ++i) pass(watch_.next_due() - now_);
    return http_.last().path;
  }

  SteadyTime now_{std::chrono::hours(1)};
  SystemTime wall_{1'000s};
  double dice_ = 0.5;
  FakeHttp http_;
  Metrics metrics_;
  PodIndex index_;
  PodWatch watch_;
};

class WholeClusterWatch : public PodWatchTest {
 protected:
  WholeClusterWatch() : PodWatchTest("") {}
};

TEST_F(PodWatchTest, ListsFromTheCacheThenWatchesFromThere) {
  EXPECT_FALSE(watch_.synced());
  watch_.tick(now_);
  EXPECT_EQ(http_.last().path, std::string(kNode) + "limit=500&resourceVersion=0");
  EXPECT_EQ(http_.last().verb, ApiVerb::kList);
  http_.answer(200, list("5", pod("a", "10.1.0.1", "3")));
  EXPECT_TRUE(watch_.synced());
  EXPECT_EQ(who("10.1.0.1"), "a");
  EXPECT_EQ(http_.last().path, std::string(kNode) +
                                   "watch=1&allowWatchBookmarks=true&resourceVersion=5&"
                                   "timeoutSeconds=450");
  EXPECT_EQ(http_.last().verb, ApiVerb::kWatch);
  EXPECT_EQ(http_.last().timeout, 480s);
  EXPECT_EQ(metrics_.lists.value(), 1U);
  pass(0s);
  EXPECT_EQ(metrics_.pods_cached.value(), 1);
}

TEST_F(WholeClusterWatch, HasNoFieldSelector) {
  watch_.tick(now_);
  EXPECT_EQ(http_.last().path, "/api/v1/pods?limit=500&resourceVersion=0");
}

TEST_F(PodWatchTest, FollowsChangesHoweverTheLinesAreCut) {
  sync();
  const std::string lines = event("ADDED", pod("b", "10.1.0.2", "6")) +
                            event("MODIFIED", pod("b", "10.1.0.3", "7")) +
                            event("DELETED", pod("a", "10.1.0.1", "8")) + bookmark("9");
  for (const char c : lines) http_.feed(1, std::string_view(&c, 1));
  EXPECT_EQ(who("10.1.0.2"), "");
  EXPECT_EQ(who("10.1.0.3"), "b");
  EXPECT_EQ(who("10.1.0.1"), "a");  // for late records
  pass(91s);
  EXPECT_EQ(index_.size(), 1U);
  http_.answer(200, "");
  EXPECT_THAT(next_path(), HasSubstr("resourceVersion=9&"));
}

TEST_F(PodWatchTest, FollowsContinuationPages) {
  watch_.tick(now_);
  http_.answer(200, list("5", pod("a", "10.1.0.1", "3"), "next+page/=="));
  EXPECT_FALSE(watch_.synced());
  EXPECT_EQ(http_.last().path, std::string(kNode) + "limit=500&continue=next%2Bpage%2F%3D%3D");
  http_.answer(200, list("5", pod("b", "10.1.0.2", "3")));
  EXPECT_TRUE(watch_.synced());
  EXPECT_EQ(who("10.1.0.1") + who("10.1.0.2"), "ab");
  EXPECT_EQ(metrics_.lists.value(), 1U);
}

TEST_F(PodWatchTest, AnExpiredPageAsksForTheListInOne) {
  watch_.tick(now_);
  http_.answer(200, list("5", pod("a", "10.1.0.1", "3"), "token"));
  http_.answer(410, "");
  EXPECT_EQ(next_path(), std::string(kNode) + "resourceVersion=0");
  http_.answer(200, list("6", pod("b", "10.1.0.2", "3")));
  EXPECT_TRUE(watch_.synced());
  EXPECT_EQ(who("10.1.0.2"), "b");
}

TEST_F(PodWatchTest, ACleanEndResumesAtOnceWithoutAList) {
  sync();
  now_ += 449s;
  http_.answer(200, bookmark("70"));
  EXPECT_EQ(http_.size(), 3U);
  EXPECT_THAT(http_.last().path, HasSubstr("resourceVersion=70&"));
  EXPECT_EQ(metrics_.lists.value(), 1U);
  EXPECT_EQ(restarts(WatchEnd::kTimeout), 1U);
}

// As when an API server shuts down in good order: not all nodes go to the next one in one instant.
TEST_F(PodWatchTest, AnEarlyCleanEndResumesWithJitterWithoutAList) {
  sync();
  now_ += 200s;
  http_.answer(200, bookmark("70"));
  EXPECT_EQ(http_.open(), 0U);
  EXPECT_EQ(watch_.next_due() - now_, 400ms);
  EXPECT_THAT(next_path(), HasSubstr("resourceVersion=70&"));
  EXPECT_EQ(metrics_.lists.value(), 1U);
  EXPECT_EQ(restarts(WatchEnd::kEof), 1U);
}

TEST_F(PodWatchTest, TheMetricsTellWhenItWasLastHeardOf) {
  watch_.tick(now_);
  EXPECT_EQ(metrics_.pod_cache_synced.value(), 0);
  EXPECT_EQ(metrics_.last_watch_activity.value(), 0);
  http_.answer(200, list("5", ""));
  EXPECT_EQ(metrics_.pod_cache_synced.value(), 1);
  EXPECT_EQ(metrics_.last_watch_activity.value(), 1'000);
  wall_ += 60s;
  http_.feed(1, bookmark("8"));
  EXPECT_EQ(metrics_.last_watch_activity.value(), 1'060);
  wall_ += 60s;
  pass(60s);
  EXPECT_EQ(metrics_.last_watch_activity.value(), 1'060);
}

TEST_F(PodWatchTest, AWatchThatEndsAtOnceWithoutAWordIsAFailure) {
  sync();
  http_.answer(200, "");
  EXPECT_EQ(http_.open(), 0U);
  EXPECT_EQ(watch_.next_due() - now_, 400ms);
  EXPECT_THAT(next_path(), HasSubstr("watch=1"));
  EXPECT_EQ(restarts(WatchEnd::kError), 1U);
}

TEST_F(PodWatchTest, BothFormsOf410ListAgainFromTheLastVersion) {
  for (const bool as_event : {true, false}) {
    SCOPED_TRACE(as_event);
    FakeHttp http;
    PodIndex index;
    Metrics metrics;
    PodWatch watch(
        http, index, metrics, {.node_name = "worker-1"}, [this] { return now_; },
        [this] { return dice_; });
    watch.tick(now_);
    http.answer(200, list("5", pod("a", "10.1.0.1", "3")));
    if (as_event) {
      http.feed(1, error_event(410, "Expired"));
    } else {
      http.answer(410, "too old");
    }
    EXPECT_EQ(http.open(), 0U);
    now_ = watch.next_due();
    watch.tick(now_);
    EXPECT_EQ(http.last().path, std::string(kNode) + "resourceVersion=5");
    EXPECT_EQ(metrics.watch_restarts[WatchEnd::kExpired].value(), 1U);
    EXPECT_TRUE(watch.synced());
    // The new list deletes what it lacks and the watch goes on from it.
    http.answer(200, list("90", pod("b", "10.1.0.2", "80")));
    EXPECT_THAT(http.last().path, HasSubstr("resourceVersion=90&"));
    index.expire(now_ += 91s);
    EXPECT_EQ(index.size(), 1U);
  }
}

TEST_F(PodWatchTest, AVersionThatTheServerDoesNotKnowIsGivenUp) {
  sync();
  http_.answer(410, "");
  EXPECT_EQ(next_path(), std::string(kNode) + "resourceVersion=5");
  http_.answer(504,
               R"({"kind":"Status","reason":"Timeout","message":"Too large resource version"})");
  EXPECT_EQ(next_path(), std::string(kNode) + "limit=500&resourceVersion=0");
  http_.answer(200, list("2", pod("a", "10.1.0.1", "1")));
  EXPECT_THAT(http_.last().path, HasSubstr("resourceVersion=2&"));
}

TEST_F(PodWatchTest, AProxysTimeOutKeepsTheVersion) {
  sync();
  http_.answer(410, "");
  next_path();
  http_.answer(504, "<html>Gateway Time-out</html>");
  EXPECT_EQ(next_path(), std::string(kNode) + "resourceVersion=5");
}

TEST_F(PodWatchTest, BusyOrAbsentServersAreResumedWithoutAList) {
  sync();
  for (const long status : {0L, 401L, 403L, 429L, 500L, 503L}) {
    SCOPED_TRACE(status);
    http_.answer({.status = status, .error = status == 0 ? "connection refused" : ""});
    EXPECT_EQ(http_.open(), 0U);
    EXPECT_THAT(next_path(), HasSubstr("watch=1&allowWatchBookmarks=true&resourceVersion=5&"));
  }
  http_.feed(http_.size() - 1, error_event(429, "TooManyRequests"));
  EXPECT_THAT(next_path(), HasSubstr("watch=1"));
  http_.feed(http_.size() - 1, error_event(500, "InternalError"));
  EXPECT_THAT(next_path(), HasSubstr("watch=1"));
  EXPECT_EQ(metrics_.lists.value(), 1U);
  EXPECT_EQ(restarts(WatchEnd::kError), 8U);
}

TEST_F(PodWatchTest, AVersionThatTheServerFailsAtAgainAndAgainIsListedAnew) {
  sync();
  for (int i = 0; i < 2; ++i) {
    http_.feed(http_.size() - 1, error_event(500, "InternalError"));
    EXPECT_THAT(next_path(), HasSubstr("watch=1"));
    http_.answer(500, "cannot decode");
    EXPECT_THAT(next_path(), HasSubstr("watch=1"));
  }
  http_.answer(500, "cannot decode");
  EXPECT_THAT(next_path(), EndsWith("resourceVersion=5"));
  http_.answer(200, list("9", ""));
  http_.answer(500, "cannot decode");  // and is patient again
  EXPECT_THAT(next_path(), HasSubstr("watch=1"));
}

TEST_F(PodWatchTest, WhatTheServerCannotMeanListsAgain) {
  sync();
  http_.answer(400, "bad version");
  EXPECT_THAT(next_path(), Not(HasSubstr("watch=1")));
}

TEST_F(PodWatchTest, DamagedLinesListAgain) {
  for (const std::string& bad : {std::string("{\"type\":\n"), std::string("\xff\n"),
                                 std::string(17'000, 'x'), std::string(17'000, 'x') + "\n"}) {
    FakeHttp http;
    PodIndex index;
    PodWatch watch(
        http, index, metrics_, {.max_line = 4'096}, [this] { return now_; },
        [this] { return dice_; });
    watch.tick(now_);
    http.answer(200, list("5", ""));
    http.feed(1, bad);
    EXPECT_EQ(http.open(), 0U);
    now_ = watch.next_due();
    watch.tick(now_);
    EXPECT_EQ(http.last().verb, ApiVerb::kList);
  }
}

TEST_F(PodWatchTest, APodThatIsTooLongIsLeftOutAndTheWatchGoesOn) {
  sync();
  const std::string line = event("MODIFIED", pod(std::string(5'000, 'a'), "10.1.0.2", "6"));
  for (std::size_t at = 0; at < line.size(); at += 1'000) http_.feed(1, line.substr(at, 1'000));
  http_.feed(1, line + event("ADDED", pod("c", "10.1.0.3", "7")));
  EXPECT_EQ(http_.open(), 1U);
  EXPECT_EQ(index_.size(), 2U);
  EXPECT_EQ(who("10.1.0.3"), "c");
}

TEST_F(PodWatchTest, AnInvalidPodIsLeftOutAndTheWatchGoesOn) {
  sync();
  http_.feed(
      1, event("ADDED", pod("../b", "10.1.0.2", "6")) + event("ADDED", pod("c", "10.1.0.3", "7")));
  EXPECT_EQ(http_.open(), 1U);
  EXPECT_EQ(who("10.1.0.2"), "");
  EXPECT_EQ(who("10.1.0.3"), "c");
}

TEST_F(PodWatchTest, BacksOffWithJitterUpToTheLimit) {
  watch_.tick(now_);
  SteadyTime::duration expected = 400ms;
  for (int i = 0; i < 10; ++i) {
    http_.fail("connection refused");
    EXPECT_EQ(watch_.next_due() - now_, std::min<SteadyTime::duration>(expected, 15s)) << i;
    pass(watch_.next_due() - now_ - 1ms);
    EXPECT_EQ(http_.open(), 0U);
    pass(1ms);
    EXPECT_EQ(http_.open(), 1U);
    expected *= 2;
  }
  EXPECT_FALSE(watch_.synced());
  http_.answer(200, list("5", ""));
  EXPECT_TRUE(watch_.synced());
}

TEST_F(PodWatchTest, AHealthyWatchEndsTheBackoff) {
  watch_.tick(now_);
  for (int i = 0; i < 8; ++i) {
    http_.fail("connection refused");
    next_path();
  }
  http_.answer(200, list("5", ""));
  now_ += 120s;
  http_.fail("connection reset");
  EXPECT_EQ(watch_.next_due() - now_, 400ms);
}

TEST_F(PodWatchTest, WaitsAsLongAsTheServerAsks) {
  watch_.tick(now_);
  http_.answer({.status = 429, .body = "Too many requests", .retry_after = 7s});
  EXPECT_EQ(watch_.next_due() - now_, 7s + 400ms);
}

TEST_F(PodWatchTest, AListThatIsNoUseIsAskedForAgainAndDeletesNothing) {
  sync();
  http_.answer(410, "");
  for (const std::string& bad :
       {std::string(""), std::string("<html>"), list("", ""),
        std::string(R"({"kind":"Status","metadata":{"resourceVersion":"9"}})"),
        list("9", pod("b", "10.1.0.2", "8")).substr(0, 200)}) {
    next_path();
    http_.answer(200, bad);
    EXPECT_EQ(http_.open(), 0U) << bad;
  }
  next_path();
  http_.fail("cut short");
  pass(91s);
  EXPECT_EQ(who("10.1.0.1"), "a");
}

TEST_F(PodWatchTest, ASilentWatchIsResumedFromTheLastVersion) {
  sync();
  pass(169s);
  http_.feed(1, bookmark("8"));
  pass(169s);
  EXPECT_EQ(http_.open(), 1U);
  pass(1s);
  EXPECT_EQ(http_.open(), 0U);
  EXPECT_EQ(http_.call(1).state, FakeHttp::Call::State::kCancelled);
  EXPECT_EQ(restarts(WatchEnd::kStalled), 1U);
  EXPECT_THAT(next_path(), HasSubstr("watch=1&allowWatchBookmarks=true&resourceVersion=8&"));
}

TEST_F(PodWatchTest, AWatchThatHasNothingToSayIsRenewedWithoutAFuss) {
  sync();
  http_.feed(1, "");  // the head
  for (std::size_t i = 2; i < 5; ++i) {
    pass(170s);
    EXPECT_EQ(http_.open(), 1U);
    http_.feed(i, "");
    EXPECT_THAT(http_.call(i).request.path,
                HasSubstr("watch=1&allowWatchBookmarks=true&resourceVersion=5&"));
  }
  EXPECT_EQ(restarts(WatchEnd::kStalled), 0U);
  EXPECT_EQ(restarts(WatchEnd::kTimeout), 3U);
}

TEST_F(PodWatchTest, ASilentListIsAskedForAgain) {
  watch_.tick(now_);
  pass(75s);
  EXPECT_EQ(http_.open(), 0U);
  EXPECT_EQ(next_path(), std::string(kNode) + "limit=500&resourceVersion=0");
}

TEST_F(PodWatchTest, ItsEndCancelsWhatIsUnderWay) {
  {
    PodWatch gone(
        http_, index_, metrics_, {}, [this] { return now_; }, [this] { return dice_; });
    gone.tick(now_);
    EXPECT_EQ(http_.open(), 1U);
  }
  EXPECT_EQ(http_.open(), 0U);
}

}  // namespace
}  // namespace kube_nflog
