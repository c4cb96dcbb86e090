// SPDX-License-Identifier: Apache-2.0
// Deliver, killed again and again, with a log that the next process reads on from the cut that was
// kept: every line is counted once.
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "k8s/deliver.h"
#include "k8s/event_poster.h"
#include "k8s/pod_lookup.h"
#include "k8s/state_keeper.h"
#include "tests/fakes/fake_event_server.h"
#include "tests/fakes/fake_http.h"
#include "tests/fakes/temporary_directory.h"
#include "tests/k8s/make.h"

namespace kube_nflog {
namespace {

using namespace std::chrono_literals;
using make::pod;
using make::port_key;

struct KnownPods : PodFeed {
  bool is_synced = true;
  bool synced() const override { return is_synced; }
  void tick(SteadyTime) override {}
  SteadyTime next_due() const override { return SteadyTime::max(); }
};

// All that ends with a kill. `log` is read from where the process before came to.
struct Process : Poller {
  Process(const std::string& directory, FakeEventServer& event_server, SteadyTime& time,
          std::mt19937& dice, EventBookOptions book_options, bool asks)
      : server(event_server), now(time), random(dice) {
    pods.upsert(pod("shop", "web", "uid-web", "10.0.0.1"), now);
    Result<StateFile> file = StateFile::open(directory, "file");
    EXPECT_TRUE(file);
    stored = file->load().value();
    keeper.emplace(std::move(*file), cut, stored.has_value());
    lookup.emplace(api, metrics, PodLookupOptions{.limits = {.burst = 1'000'000}});
    book.emplace(std::move(book_options), metrics);
    deliver.emplace(DeliverOptions{}, DeliverParts{.queue = queue,
                                                   .pods = pods,
                                                   .feed = &feed,
                                                   .lookups = {.pods = asks ? &*lookup : nullptr},
                                                   .book = *book,
                                                   .writer = poster,
                                                   .poller = *this,
                                                   .metrics = metrics,
                                                   .keeper = &*keeper,
                                                   .dice = [this] { return unit(random); },
                                                   .clock = [this] { return now; }});
  }
  // As main() does it.
  void begin(bool exact = true) {
    if (stored) {
      position = std::stoul(stored->position);
      std::optional<SavedState> saved = keeper->load(*stored, causes, interfaces);
      ASSERT_TRUE(saved);
      deliver->restore(std::move(*saved), exact);
    }
    keeper->start_at(std::to_string(position));
    if (!stored) deliver->save(now);
  }
  void read(const std::deque<DropKey>& log, std::size_t lines) {
    for (; lines > 0 && position < log.size(); --lines) {
      ASSERT_TRUE(queue.push({log[position++], 1, system_now(), system_now()}));
      metrics.seen.add();
    }
  }
  void make_cut() {
    if (cut.under_way()) return;
    cut.begin(std::to_string(position));
    ASSERT_TRUE(queue.push(DropSummary::mark()));
  }
  void poll(std::chrono::milliseconds max_wait) override {
    now += server.open() > 0 ? 1ms : max_wait;
    if (server.open() > 0) server.answer_one();
    if (api.open() > 0 && random() % 2 == 0) api.answer(200, R"({"kind":"PodList","items":[]})");
  }
  void wake() override {}
  void settle(SteadyTime::duration time) {
    for (const SteadyTime end = now + time; now < end;) {
      ASSERT_TRUE(deliver->step());
      poll(100ms);
    }
  }

  FakeEventServer& server;
  SteadyTime& now;
  std::mt19937& random;
  std::uniform_real_distribution<> unit{0, 1};
  BoundedQueue<DropSummary> queue{4096};
  Cut cut;
  CauseTable causes;
  InterfaceTable interfaces;
  PodIndex pods;
  KnownPods feed;
  Metrics metrics;
  FakeHttp api;
  std::optional<PodLookup> lookup;
  EventPoster poster{server, metrics, EventAuthor{}};
  std::optional<StoredState> stored;
  std::optional<StateKeeper> keeper;
  std::optional<EventBook> book;
  std::optional<Deliver> deliver;
  std::size_t position = 0;  // in the log
};

class DeliverRestart : public testing::TestWithParam<std::uint32_t> {
 protected:
  void start(bool exact = true) {
    book_options.run_id = "run" + std::to_string(runs++);
    process.emplace(directory.path(), server, now, random, book_options, asks);
    process->begin(exact);
  }
  void kill() {
    server.hang_up();
    process.reset();
  }
  void write_lines(int lines, int peers) {
    for (int i = 0; i < lines; ++i) {
      const auto peer = static_cast<int>(random()) % peers;
      const std::string address = "192.0.2." + std::to_string(1 + std::abs(peer));
      log.push_back(port_key(address, "10.0.0.1", static_cast<std::uint16_t>(80 + random() % 2)));
    }
  }
  // Lines come, are read, cut and told; in between the process is killed.
  void live(int rounds, int peers) {
    start();
    for (int round = 0; round < rounds; ++round) {
      write_lines(static_cast<int>(random() % 20), peers);
      process->read(log, random() % 30);
      if (random() % 4 == 0) process->make_cut();
      process->settle(std::chrono::milliseconds(random() % 900));
      if (random() % 5 == 0) {
        kill();
        start();
      }
    }
    server.trouble = {};
    process->read(log, log.size());
    process->settle(2h);
  }

  const TemporaryDirectory directory;
  std::mt19937 random{GetParam()};
  FakeEventServer server{GetParam()};
  EventBookOptions book_options{.update_interval = 1s, .update_interval_max = 4s, .budget = {}};
  SteadyTime now{5000s};
  std::deque<DropKey> log;
  bool asks = false;
  int runs = 0;
  std::optional<Process> process;
};

TEST_P(DeliverRestart, EveryLineIsCountedOnceHoweverOftenItIsKilled) {
  server.trouble = {.lost_request = 0.1, .lost_answer = 0.1, .overloaded = 0.05};
  live(150, 40);  // 10 with an Event of their own, 30 that share one
  EXPECT_GT(runs, 10);
  EXPECT_EQ(server.packets(), log.size());
  EXPECT_EQ(server.events.size(), 22U);
  EXPECT_EQ(process->metrics.pending(), 0);
}

TEST_P(DeliverRestart, SoAreThoseThatWaitedForAnAnswer) {
  asks = true;
  live(150, 8);
  EXPECT_EQ(server.packets(), log.size());
  EXPECT_EQ(process->metrics.pending(), 0);
}

// More Events than the book has room for: those of before the kill may have been forgotten since.
TEST_P(DeliverRestart, AnEventThatIsForgottenAndTakenUpAgainHasAnotherStamp) {
  book_options.capacity = 3;
  start();
  for (int round = 0; round < 50; ++round) {
    write_lines(1, 10);
    process->read(log, 1);
    process->settle(5s);
    if (round % 3 == 0) process->make_cut();
  }
  process->settle(1h);
  EXPECT_EQ(server.packets(), log.size());
}

INSTANTIATE_TEST_SUITE_P(Seeds, DeliverRestart, testing::Range(1U, 9U));

class DeliverStop : public DeliverRestart {};
INSTANTIATE_TEST_SUITE_P(Seed, DeliverStop, testing::Values(1U));

TEST_P(DeliverStop, WhatCouldNotBeToldIsKeptAndToldByTheNext) {
  start();
  write_lines(100, 5);
  process->read(log, 100);
  process->make_cut();
  server.trouble = {.overloaded = 1};
  process->deliver->stop();
  ASSERT_TRUE(process->deliver->run());
  EXPECT_EQ(process->metrics.suppressed[Why::kKept].value(), 100U);
  EXPECT_EQ(process->metrics.lost[Where::kUnflushed].value(), 0U);
  EXPECT_EQ(process->metrics.pending(), 0);
  kill();

  server.trouble = {};
  start();
  EXPECT_EQ(process->position, 100U) << "no line is read again";
  EXPECT_EQ(process->metrics.seen.value(), 100U);
  process->settle(1min);
  EXPECT_EQ(server.packets(), 100U);
  EXPECT_EQ(process->metrics.reported.value(), 100U);
}

TEST_P(DeliverStop, BeforeThePodsAreKnownTheLogIsReadAgain) {
  start();
  process->feed.is_synced = false;
  write_lines(10, 5);
  process->read(log, 10);
  process->make_cut();
  process->deliver->stop();
  ASSERT_TRUE(process->deliver->run());
  EXPECT_EQ(process->metrics.suppressed[Why::kKept].value(), 10U);
  kill();
  start();
  EXPECT_EQ(process->position, 0U);
  process->read(log, 10);
  process->settle(1min);
  EXPECT_EQ(server.packets(), 10U);
}

// The old process told more than is in the file: the count is not lowered, not for a moment.
TEST_P(DeliverStop, ACountNeverGoesDown) {
  start();
  write_lines(50, 1);
  process->read(log, 20);
  process->make_cut();
  process->settle(1min);
  process->read(log, 30);
  process->settle(1min);
  EXPECT_EQ(server.packets(), 50U);
  kill();
  start();
  EXPECT_EQ(process->position, 20U);
  for (int i = 0; i < 30; ++i) {
    process->read(log, 1);
    process->settle(10s);
    EXPECT_EQ(server.packets(), 50U);
  }
  EXPECT_EQ(process->metrics.pending(), 0);
  write_lines(5, 1);
  process->read(log, 5);
  process->settle(1min);
  EXPECT_EQ(server.packets(), 55U);
}

// The lines after the cut are gone: what the Events hold stays, what was untold is added.
TEST_P(DeliverStop, WhereTheLogIsLostTheCountsGoOn) {
  start();
  write_lines(50, 1);
  process->read(log, 20);
  process->make_cut();
  process->settle(1min);
  process->read(log, 30);
  process->settle(1min);
  kill();
  log.clear();
  start(/*exact=*/false);
  process->position = 0;
  write_lines(7, 1);
  process->read(log, 7);
  process->settle(1min);
  EXPECT_EQ(server.packets(), 57U);
}

TEST_P(DeliverStop, AtRestNothingIsWrittenAndNothingToldAgain) {
  start();
  write_lines(50, 3);
  process->read(log, 50);
  process->make_cut();
  process->settle(1min);  // and after it the file knows what has been told
  const std::uint64_t writes = server.writes;
  EXPECT_FALSE(process->keeper->due());
  kill();
  start();
  process->settle(1min);
  EXPECT_EQ(server.writes, writes);
}

}  // namespace
}  // namespace kube_nflog
