// SPDX-License-Identifier: Apache-2.0
#include "k8s/event_book.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/k8s/make.h"

namespace kube_nflog {
namespace {

using namespace std::chrono_literals;
using make::wall;
using Verdict = WriteOutcome::Verdict;

EventSubject subject(std::uint64_t key, const std::string& pod = "web",
                     const std::string& ns = "shop") {
  EventSubject s;
  s.pod = {ns, pod, "uid-" + ns + pod};
  s.key = key;
  return s;
}

class EventBookTest : public testing::Test {
 protected:
  EventBookTest() {
    options.run_id = "run";
    options.budget.reset();
  }
  void start() { book.emplace(options, metrics); }
  void offer(std::uint64_t key, std::uint64_t count = 1) { offer(subject(key), count); }
  void offer(EventSubject s, std::uint64_t count, bool tells = true) {
    book->offer(std::move(s), {count, wall(), wall(1)}, tells, now);
    offered += tells ? count : 0;
  }
  // Takes what is due and says what became of it.
  std::vector<EventWrite> write(WriteOutcome outcome = {}, double dice = 0) {
    std::vector<EventWrite> taken;
    while (std::optional<EventWrite> next = book->take(now)) {
      if (outcome.verdict == Verdict::kWritten) next->record.exists = true;
      book->finish(*next, outcome, now, dice);
      taken.push_back(*next);
    }
    return taken;
  }
  std::uint64_t reported() const { return metrics.reported.value(); }
  std::uint64_t refused() const { return metrics.lost[Where::kRefused].value(); }
  std::uint64_t unflushed() const { return metrics.lost[Where::kUnflushed].value(); }
  std::uint64_t over_budget() const { return metrics.suppressed[Why::kEventBudget].value(); }

  EventBookOptions options;
  Metrics metrics;
  std::optional<EventBook> book;
  SteadyTime now{1000s};
  std::uint64_t offered = 0;
};

TEST_F(EventBookTest, FirstSightIsDueAtOnce) {
  start();
  EXPECT_EQ(book->next_due(), SteadyTime::max());
  offer(1, 3);
  EXPECT_LE(book->next_due(), now);
  const auto written = write();
  ASSERT_EQ(written.size(), 1U);
  EXPECT_EQ(written[0].record.count(), 3U);
  EXPECT_EQ(written[0].record.first, wall());
  EXPECT_EQ(written[0].record.stamp, "run.0.661997");
  EXPECT_EQ(reported(), 3U);
  EXPECT_EQ(book->waiting(), 0U);
}

TEST_F(EventBookTest, ARepeatNeedsNoSubject) {
  start();
  EXPECT_FALSE(book->add(1, {2, wall(), wall()}, true, now));
  EXPECT_EQ(book->size(), 0U);
  EXPECT_EQ(over_budget(), 0U);  // the caller offers it
  offer(1, 3);
  EXPECT_TRUE(book->add(1, {2, wall(), wall(9)}, true, now));
  EXPECT_TRUE(book->add(1, {4, wall(), wall(5)}, false, now));  // its ledger is elsewhere
  const auto written = write();
  ASSERT_EQ(written.size(), 1U);
  EXPECT_EQ(written[0].record.count(), 9U);
  EXPECT_EQ(written[0].record.last, wall(9));
  EXPECT_EQ(reported(), 5U);
  now += options.forget;
  EXPECT_FALSE(book->add(1, {1, wall(), wall()}, true, now));  // forgotten
}

TEST_F(EventBookTest, ARefusedEventRefusesRepeats) {
  start();
  offer(1, 3);
  write({.verdict = Verdict::kRefused});
  EXPECT_TRUE(book->add(1, {2, wall(), wall()}, true, now));
  EXPECT_EQ(refused(), 5U);
  EXPECT_EQ(book->waiting(), 0U);
}

TEST_F(EventBookTest, TheNumberOfPeersGrowsWhileItWaits) {
  start();
  const auto receive = [&](PeerCount peers) {
    EventSubject s = subject(1);
    s.shared = true;
    book->offer(s, {1, wall(), wall(), peers}, true, now);
  };
  const auto told = [&] {
    const PeerCount all = write().at(0).record.all_peers();
    now += 30min;
    return std::pair(all.addresses, all.complete);
  };
  receive({.addresses = 1, .memory = 7});
  receive({.addresses = 2, .memory = 7});
  receive({.addresses = 3, .memory = 7});
  EXPECT_EQ(told(), std::pair(3U, true));
  receive({.addresses = 37, .memory = 7});
  EXPECT_EQ(told(), std::pair(37U, true));
  receive(
      {.addresses = 2, .memory = 8});  // a new memory: perhaps the same addresses, perhaps others
  EXPECT_EQ(told(), std::pair(37U, false));
  receive({.addresses = 40, .memory = 8});
  EXPECT_EQ(told(), std::pair(40U, false));
}

// What a write learns of the addresses before us is kept, also when it fails.
TEST_F(EventBookTest, TheAddressesBeforeUsAreKept) {
  start();
  EventSubject s = subject(1);
  s.shared = true;
  book->offer(s, {1, wall(), wall(), {.addresses = 2, .memory = 7}}, true, now);
  EventWrite first = book->take(now).value();
  first.record.base_peers = 30;
  book->finish(first, {.verdict = Verdict::kRetry}, now, 0);
  now += 1h;
  const PeerCount all = book->take(now)->record.all_peers();
  EXPECT_EQ(all.addresses, 30U);
  EXPECT_FALSE(all.complete);
}

TEST_F(EventBookTest, RepeatsWaitMergeAndSlowDown) {
  start();
  offer(1);
  write();
  std::vector<std::chrono::seconds> gaps;
  std::uint64_t total = 1;
  for (SteadyTime last = now; gaps.size() < 6; now += 1s) {
    offer(1, 2);
    total += 2;
    const auto written = write();
    if (written.empty()) continue;
    ASSERT_EQ(written[0].record.count(), total);
    gaps.push_back(std::chrono::duration_cast<std::chrono::seconds>(now - last));
    last = now;
  }
  EXPECT_EQ(gaps, (std::vector{60s, 120s, 240s, 480s, 600s, 600s}));
  EXPECT_EQ(reported(), total);
}

TEST_F(EventBookTest, QuietOnesStartOver) {
  start();
  offer(1);
  write();
  for (int i = 0; i < 3; ++i) {
    offer(1);
    now = book->next_due();
    write();
  }
  now += 600s;  // quiet
  offer(1);
  EXPECT_EQ(write().size(), 1U);
  offer(1);
  EXPECT_EQ(book->next_due(), now + 60s);
}

TEST_F(EventBookTest, UpdatesAreSpreadByUpToATenth) {
  start();
  offer(1);
  write({}, 0.999);
  offer(1);
  EXPECT_GT(book->next_due(), now + 65s);
  EXPECT_LT(book->next_due(), now + 66s);
}

TEST_F(EventBookTest, WhatComesDuringAWriteIsToldNextTime) {
  start();
  offer(1, 5);
  std::optional<EventWrite> first = book->take(now);
  offer(1, 7);
  EXPECT_FALSE(book->take(now));
  book->finish(*first, {}, now, 0);
  EXPECT_EQ(reported(), 5U);
  now += 60s;
  EXPECT_EQ(write().at(0).record.count(), 12U);
  EXPECT_EQ(reported(), 12U);
}

TEST_F(EventBookTest, RetriesBackOffPerEventAndForAll) {
  start();
  offer(1);
  offer(2);
  std::optional<EventWrite> one = book->take(now);
  book->finish(*one, {.verdict = Verdict::kRetry}, now, 0.5);
  EXPECT_FALSE(book->take(now));  // the other one waits, too
  EXPECT_EQ(book->next_due(), now + 400ms);
  now += 400ms;
  EXPECT_EQ(write().size(), 2U);
  EXPECT_EQ(reported(), 2U);
}

TEST_F(EventBookTest, WhatAnAnswerShowedAsToldIsRememberedThoughTheWriteFailed) {
  start();
  offer(1, 25);
  std::optional<EventWrite> first = book->take(now);
  first->record.told = 20;  // a POST whose answer was lost had been taken
  book->finish(*first, {.verdict = Verdict::kRetry}, now, 0.5);
  now += 400ms;
  const std::optional<EventWrite> again = book->take(now);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->record.told, 20U);
  EXPECT_EQ(again->record.total, 25U);
}

TEST_F(EventBookTest, AConflictIsThisEventsTroubleAlone) {
  options.budget = EventRates{{2, 30s}, {3, 300s}};
  start();
  offer(1, 3);
  for (std::uint64_t i = 0; i < 12; ++i, now += i < 3 ? 60s : 300s) {
    const std::optional<EventWrite> one = book->take(now);
    ASSERT_TRUE(one) << i;
    EXPECT_EQ(one->subject->key, 1U);
    EXPECT_EQ(one->record.total, 3U);
    book->finish(*one, {.verdict = Verdict::kConflict}, now, 0.9);
    EXPECT_EQ(metrics.event_budget_percent.value(), 100);
    if (i == 2) {  // its Pod has paid for each
      now += 179s;
      EXPECT_FALSE(book->take(now));
    }
    offer(subject(2 + i, "api" + std::to_string(i), "other"), 1);
    EXPECT_EQ(write().size(), 1U) << i;
  }
  EXPECT_EQ(write().at(0).record.total, 3U);
  EXPECT_EQ(reported(), offered);
}

TEST_F(EventBookTest, HonoursRetryAfter) {
  start();
  offer(1);
  offer(2);
  std::optional<EventWrite> one = book->take(now), two = book->take(now);
  book->finish(*one, {.verdict = Verdict::kRetry, .retry_after = 7s}, now, 0);
  book->finish(*two, {.verdict = Verdict::kRetry, .retry_after = 9s}, now, 0);
  EXPECT_EQ(book->next_due(), now + 9s);
  now += 9s;
  EXPECT_EQ(write().size(), 2U);
}

TEST_F(EventBookTest, CountsSurviveALongOutage) {
  start();
  std::uint64_t total = 0;
  for (int i = 0; i < 3600; ++i, now += 1s) {
    offer(1, 10);
    total += 10;
    write({.verdict = Verdict::kRetry}, 0.9);
  }
  EXPECT_EQ(reported(), 0U);
  now += 60s;
  EXPECT_EQ(write().at(0).record.count(), total);
  EXPECT_EQ(reported(), total);
}

TEST_F(EventBookTest, ARefusedEventIsLeftAloneForAWhile) {
  start();
  offer(1, 4);
  write({.verdict = Verdict::kRefused});
  EXPECT_EQ(refused(), 4U);
  offer(1, 2);
  EXPECT_EQ(refused(), 6U);
  EXPECT_TRUE(write().empty());
  now += 180s;
  offer(1, 3);
  EXPECT_EQ(write().at(0).record.count(), 3U);  // what was lost stays lost
  EXPECT_EQ(reported(), 3U);
}

TEST_F(EventBookTest, ARefusingNamespaceTakesItsWaitingEventsWithIt) {
  start();
  offer(subject(1, "a", "gone"), 1);
  offer(subject(2, "b", "gone"), 2);
  offer(subject(3, "c", "here"), 4);
  std::optional<EventWrite> first = book->take(now);
  ASSERT_EQ(first->subject->pod.ns, "gone");
  book->finish(*first, {.verdict = Verdict::kNamespaceRefused}, now, 0);
  EXPECT_EQ(write().size(), 1U);
  EXPECT_EQ(refused(), 3U);
  EXPECT_EQ(reported(), 4U);
  offer(subject(9, "new", "gone"), 8);
  EXPECT_EQ(refused(), 11U);
  now += 180s;
  offer(subject(9, "new", "gone"), 16);
  EXPECT_EQ(write().size(), 1U);
  EXPECT_EQ(reported(), 20U);
}

TEST_F(EventBookTest, AForbiddenNamespaceIsTriedByOneWriteAtATimeAndLosesNothing) {
  start();
  for (std::uint64_t key = 1; key <= 5; ++key) offer(subject(key, "a", "starting"), 10);
  offer(subject(6, "b", "other"), 1);
  EXPECT_EQ(write({.verdict = Verdict::kForbidden}, 0.5).size(), 2U);  // one a namespace
  EXPECT_EQ(book->next_due(), now + 400ms);
  now += 400ms;
  EXPECT_EQ(write({.verdict = Verdict::kForbidden}, 0.5).size(), 2U);
  EXPECT_EQ(book->next_due(), now + 800ms);  // longer every time
  now += 800ms;
  EXPECT_EQ(write().size(), 6U);  // allowed: all at once
  EXPECT_EQ(reported(), 51U);
  EXPECT_EQ(refused(), 0U);
}

TEST_F(EventBookTest, WhileOneWriteTriesAForbiddenNamespaceTheOthersWait) {
  start();
  offer(1);
  offer(2);
  write({.verdict = Verdict::kForbidden}, 0.5);
  now += 400ms;
  const std::optional<EventWrite> trial = book->take(now);
  ASSERT_TRUE(trial);
  EXPECT_FALSE(book->take(now));
  EXPECT_EQ(book->next_due(), now + 1s);
  book->finish(*trial, {}, now, 0);
  now += 1s;
  EXPECT_EQ(write().size(), 1U);
}

TEST_F(EventBookTest, ANamespaceThatStaysForbiddenIsGivenUpAndLeftAlone) {
  start();
  const auto forbidden = [this](std::chrono::seconds during) {
    std::size_t writes = 0;
    for (const SteadyTime end = now + during; now < end; now += 100ms) {
      offer(1);
      offer(2);
      writes += write({.verdict = Verdict::kForbidden}, 0.9).size();
    }
    return writes;
  };
  EXPECT_LE(forbidden(179s), 12U);
  EXPECT_EQ(refused(), 0U);
  forbidden(30s);
  EXPECT_GE(refused(), 3'580U);
  // From here on a write in three minutes; what comes between is lost at once.
  EXPECT_LE(forbidden(1'800s), 11U);
  EXPECT_LE(offered - refused(), 2U);
  now += 180s;  // our RBAC was restored
  offer(1, 7);
  EXPECT_GE(write().at(0).record.count(), 7U);
  EXPECT_EQ(reported() + refused() + (book->waiting() > 0), offered);
}

TEST_F(EventBookTest, AForbiddenWriteCostsBudget) {
  options.budget = EventRates{.node = {2, 1000s}, .pod = {1000, 1ms}};
  start();
  offer(1);
  for (int i = 0; i < 10; ++i, now += 30s) write({.verdict = Verdict::kForbidden}, 0.5);
  offer(subject(2, "b", "other"), 1);
  EXPECT_EQ(write().size(), 0U);
}

TEST_F(EventBookTest, RefusalsAreBoundedAndOldOnesMakeRoom) {
  start();
  const auto offer_in_namespaces = [this](std::uint64_t from, std::uint64_t to) {
    for (; from < to; ++from) offer(subject(from, "a", "ns" + std::to_string(from)), 1);
  };
  offer_in_namespaces(0, 1'024);
  write({.verdict = Verdict::kNamespaceRefused});
  EXPECT_EQ(refused(), 1'024U);
  offer_in_namespaces(1'024, 1'025);
  write({.verdict = Verdict::kForbidden}, 0.5);
  EXPECT_EQ(refused(), 1'025U);  // no room to remember, so nothing to wait for
  now += 400s;
  offer_in_namespaces(1'025, 1'026);
  write({.verdict = Verdict::kForbidden}, 0.5);
  EXPECT_EQ(refused(), 1'025U);
  EXPECT_EQ(book->waiting(), 1U);
}

TEST_F(EventBookTest, BudgetPerPodLetsOtherPodsThrough) {
  options.budget = EventRates{.node = {1000, 1ms}, .pod = {2, 300s}};
  start();
  for (std::uint64_t key = 1; key <= 4; ++key) offer(subject(key, "loud"), 1);
  offer(subject(5, "quiet"), 1);
  EXPECT_EQ(write().size(), 3U);
  EXPECT_EQ(book->next_due(), now + 300s);
  offer(subject(3, "loud"), 9);  // merges while it waits
  now += 300s;
  const auto written = write();
  ASSERT_EQ(written.size(), 1U);
  EXPECT_EQ(written[0].subject->key, 3U);  // first come, first served
  EXPECT_EQ(written[0].record.count(), 10U);
  now += 300s;
  EXPECT_EQ(write().at(0).subject->key, 4U);
}

TEST_F(EventBookTest, BudgetPerNodeIsFairBetweenNamespaces) {
  options.budget = EventRates{.node = {4, 30s}, .pod = {1000, 1ms}};
  start();
  for (std::uint64_t key = 1; key <= 100; ++key)
    offer(subject(key, "loud" + std::to_string(key), "a"), 1);
  for (std::uint64_t key = 101; key <= 102; ++key) offer(subject(key, "quiet", "b"), 1);
  std::multiset<std::string> turns;
  for (const EventWrite& w : write()) turns.insert(w.subject->pod.ns);
  EXPECT_EQ(turns, (std::multiset<std::string>{"a", "a", "b", "b"}));
  EXPECT_EQ(book->next_due(), now + 30s);
  now += 90s;
  EXPECT_EQ(write().size(), 3U);
}

TEST_F(EventBookTest, AFailedWriteCostsNoBudget) {
  options.budget = EventRates{.node = {2, 1000s}, .pod = {2, 1000s}};
  start();
  offer(1);
  for (int i = 0; i < 10; ++i, now += 60s) write({.verdict = Verdict::kRetry}, 0.5);
  EXPECT_EQ(write().size(), 1U);
  offer(2);
  EXPECT_EQ(write().size(), 1U);
  offer(3);
  EXPECT_EQ(write().size(), 0U);
}

TEST_F(EventBookTest, FullOfIdleOnesForgetsTheLongestQuiet) {
  options.capacity = 3;
  start();
  for (std::uint64_t key = 1; key <= 3; ++key, now += 1s) offer(key), write();
  offer(4);
  EXPECT_EQ(book->size(), 3U);
  write();
  now += 60s;
  offer(1);  // was forgotten: anew, with another stamp
  EXPECT_EQ(write().at(0).record.stamp, "run.2.661997");
  EXPECT_EQ(reported(), 5U);
}

TEST_F(EventBookTest, FullOfWaitingOnesRefusesAndCounts) {
  options.capacity = 3;
  start();
  for (std::uint64_t key = 1; key <= 3; ++key) offer(key);
  offer(4, 10);
  EXPECT_EQ(over_budget(), 10U);
  EXPECT_EQ(book->size(), 3U);
  EXPECT_EQ(write().size(), 3U);
}

TEST_F(EventBookTest, OneFloodedPodLeavesRoomForOthers) {
  options.waiting_per_pod = 5;
  start();
  for (std::uint64_t key = 1; key <= 100; ++key) offer(subject(key, "loud"), 1);
  EXPECT_EQ(over_budget(), 95U);
  offer(subject(200, "quiet"), 1);
  EXPECT_EQ(write().size(), 6U);
  offer(subject(300, "loud"), 1);  // room again
  EXPECT_EQ(write().size(), 1U);
}

TEST_F(EventBookTest, QuietEventsAreForgottenInTime) {
  start();
  offer(1);
  write();
  now += 3600s;
  offer(2);
  EXPECT_EQ(book->size(), 1U);
  EXPECT_EQ(metrics.event_keys.value(), 1);
}

TEST_F(EventBookTest, HurryIgnoresScheduleAndBudgetAndCountsTheRest) {
  options.budget = EventRates{.node = {1, 1000s}, .pod = {1, 1000s}};
  start();
  for (std::uint64_t key = 1; key <= 5; ++key) offer(key, 2);
  EXPECT_EQ(write().size(), 1U);
  offer(1, 2);  // a repeat, not due for a minute
  book->hurry(now);
  for (int i = 0; i < 3; ++i) book->finish(book->take(now).value(), {}, now, 0);
  std::optional<EventWrite> unfinished = book->take(now);
  ASSERT_TRUE(unfinished);
  EXPECT_EQ(book->give_up(/*is_kept=*/false), 4U);
  EXPECT_EQ(reported(), 8U);
  EXPECT_EQ(unflushed(), 4U);
}

TEST_F(EventBookTest, TheSecondEventOfADropIsNotInTheLedger) {
  start();
  offer(subject(1, "receiver"), 5, true);
  offer(subject(2, "sender"), 5, false);
  EXPECT_EQ(write().size(), 2U);
  EXPECT_EQ(reported(), 5U);
}

// Where the clock said the future for a moment, and where it was wrong since boot.
TEST_F(EventBookTest, AClockThatIsSetDoesNoLastingHarm) {
  start();
  const auto see = [this](int second) {
    book->offer(subject(1), {1, wall(second), wall(second)}, true, now);
  };
  see(0);
  see(36'000);
  see(10);
  see(8);  // told late: the clock was not set
  EventRecord record = write().at(0).record;
  EXPECT_EQ(record.first, wall(0));
  EXPECT_EQ(record.last, wall(10));
  now += 30min;
  see(-90'000);
  see(-89'999);
  record = write().at(0).record;
  EXPECT_EQ(record.first, wall(-90'000));
  EXPECT_EQ(record.last, wall(-89'999));
  EXPECT_EQ(record.count(), 6U);
  EXPECT_EQ(book->next_due(), SteadyTime::max());  // no schedule hangs on that clock
}

TEST_F(EventBookTest, AnOverloadedServerIsWrittenToLessAndMoreAgainAsItRecovers) {
  options.budget = EventRates{.node = {20, 30s}, .pod = {1000, 1ms}};
  options.refusal = 24h;
  start();
  EXPECT_EQ(metrics.event_budget_percent.value(), 100);
  for (std::uint64_t key = 1; key <= 8; ++key) offer(subject(key, "a" + std::to_string(key)), 1);
  std::vector<EventWrite> under_way;
  while (std::optional<EventWrite> next = book->take(now)) under_way.push_back(*next);
  ASSERT_EQ(under_way.size(), 8U);
  const WriteOutcome overload{.verdict = Verdict::kRetry, .overloaded = true};
  for (const EventWrite& w : under_way) book->finish(w, overload, now, 0.9);
  EXPECT_EQ(metrics.event_budget_percent.value(), 50);  // one trouble, however many writes meet it
  for (int i = 0; i < 10; ++i) {
    now = std::max(now + 1s, book->next_due());
    write(overload, 0.9);
  }
  EXPECT_EQ(metrics.event_budget_percent.value(), 10);
  // The floor: one write in 300 s, since each that was refused has been paid for.
  std::size_t asked = 0;
  for (const SteadyTime end = now + 3'000s; now < end; now += 1s)
    asked += write(overload, 0.9).size();
  EXPECT_LE(asked, 11U);
  EXPECT_GE(asked, 9U);
  now = book->next_due();
  EXPECT_EQ(write().size(), 1U);
  EXPECT_EQ(metrics.event_budget_percent.value(), 20);
  for (const SteadyTime end = now + 3'600s; now < end; now += 1s) write();
  EXPECT_EQ(metrics.event_budget_percent.value(), 90);
  EXPECT_EQ(reported(), 8U);
}

// A cluster-wide bad policy while no API server answers. On return the nodes must neither all come
// in one second, nor with all that they have: 500 nodes, each with 40 Events to tell.
TEST_F(EventBookTest, AFleetDoesNotComeBackAtOnce) {
  constexpr std::size_t kNodes = 500;
  options.budget = EventRates{};
  std::vector<EventBook> nodes;
  for (std::size_t i = 0; i < kNodes; ++i) nodes.emplace_back(options, metrics);
  std::uint32_t state = 1;
  const auto dice = [&state] {
    return (state = state * 1'664'525U + 1'013'904'223U) / 4294967296.0;
  };
  for (EventBook& node : nodes)
    for (std::uint64_t key = 0; key < 40; ++key)
      node.offer(subject(key, "p" + std::to_string(key)), {7, wall(), wall()}, true, now);
  const SteadyTime back = now + 1h;
  std::size_t busiest = 0, in_first_minute = 0;
  for (; now < back + 5h; now += 1s) {
    std::size_t writes = 0;
    for (EventBook& node : nodes) {
      while (std::optional<EventWrite> next = node.take(now)) {
        writes += now >= back;
        node.finish(*next, {.verdict = now >= back ? Verdict::kWritten : Verdict::kRetry}, now,
                    dice());
      }
    }
    busiest = std::max(busiest, writes);
    if (now < back + 60s) in_first_minute += writes;
  }
  EXPECT_LE(busiest, kNodes / 4);
  EXPECT_LE(in_first_minute, kNodes * 5);
  EXPECT_EQ(reported(), kNodes * 40 * 7);  // in the end, everything
}

TEST(EventBudget, PodsBeyondTheBoundShareOneBucket) {
  EventBudget budget({.node = {1'000'000, 1ms}, .pod = {1, 1000s}});
  const SteadyTime now{1s};
  for (std::size_t i = 0; i < EventBudget::kMaxPods; ++i) budget.take(std::to_string(i), now);
  EXPECT_LE(budget.pod_available_at("one"), now);
  budget.take("one", now);
  EXPECT_GT(budget.pod_available_at("two"), now);
  // Once buckets are full again, they make room.
  const SteadyTime later = now + 2000s;
  budget.take("three", later);
  EXPECT_LE(budget.pod_available_at("0"), later);
  EXPECT_GT(budget.pod_available_at("three"), later);
}

}  // namespace
}  // namespace kube_nflog
