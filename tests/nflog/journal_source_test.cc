// SPDX-License-Identifier: Apache-2.0
// What the source makes of what a reader gives; tests/netns/journal_source.sh has real journals.
#include "nflog/journal_source.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>

namespace kube_nflog {
namespace {

using std::chrono::hours;
using Next = JournalReader::Next;

std::string udp(int port) {
  return "my-drop: IN=a OUT=b SRC=10.0.0.1 DST=10.0.0.2 LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=1 "
         "PROTO=UDP SPT=40000 DPT=" +
         std::to_string(port) + " LEN=40 ";
}

// The journal as the test writes it: outlives the reader.
struct FakeJournal {
  struct Item {
    Next next = Next::kEntry;
    std::string message;
    SystemTime time = system_now();
  };
  std::deque<Item> ahead;
  std::optional<SteadyTime> deadline;
  bool broken = false;
  int read = 0;  // entries; the cursor
};

class FakeReader : public JournalReader {
 public:
  explicit FakeReader(FakeJournal& journal) : journal_(journal) {}
  int fd() const override { return -1; }
  std::optional<SteadyTime> deadline() const override { return journal_.deadline; }
  Result<> follow() override {
    if (journal_.broken) return fail("broken");
    return {};
  }
  Next next(JournalEntry& entry) override {
    if (journal_.ahead.empty()) return Next::kEnd;
    now_ = journal_.ahead.front();
    journal_.ahead.pop_front();
    ++journal_.read;
    if (now_.next != Next::kDamaged) entry = {now_.time, now_.message};
    return now_.next;
  }
  std::string cursor() override { return "i=" + std::to_string(journal_.read); }

 private:
  FakeJournal& journal_;
  FakeJournal::Item now_;
};

class JournalSourceTest : public ::testing::Test {
 protected:
  std::unique_ptr<JournalSource> start() {
    return std::make_unique<JournalSource>(std::make_unique<FakeReader>(journal),
                                           LogIntakeOptions{}, /*resumed=*/false, causes, metrics);
  }

  FakeJournal journal;
  CauseTable causes;
  Metrics metrics;
  std::vector<Drop> drops;
};

TEST_F(JournalSourceTest, MakesADropOfAnEntryAndTakesItsTime) {
  const SystemTime minute_ago = system_now() - std::chrono::minutes(1);
  journal.ahead = {{.message = udp(53), .time = minute_ago},
                   {.message = "cali-b: link becomes ready"},
                   {.message = udp(54), .time = system_now() + hours(1)}};
  const auto source = start();
  ASSERT_TRUE(source->read(drops));
  ASSERT_EQ(drops.size(), 2u);
  EXPECT_EQ(drops[0].key.detail, 53);
  EXPECT_EQ(drops[0].time, minute_ago);
  EXPECT_EQ(drops[0].key.cause->clause, "by rule \"my-drop:\"");
  EXPECT_LE(drops[1].time, system_now()) << "the future is now";
  EXPECT_EQ(metrics.seen.value(), 2u);
}

TEST_F(JournalSourceTest, WhatCannotBeReadIsCountedAndTheNextIsRead) {
  const std::string longest = udp(1) + std::string(JournalReader::kMaxMessage, 'x');
  journal.ahead = {{.next = Next::kDamaged, .message = {}},
                   {.message = longest},
                   {.message = longest.substr(0, JournalReader::kMaxMessage)},
                   {.message = udp(53)}};
  ASSERT_TRUE(start()->read(drops));
  EXPECT_EQ(drops.size(), 2u);
  EXPECT_EQ(metrics.seen.value(), 4u);
  EXPECT_EQ(metrics.lost[Where::kUndecodable].value(), 2u);
}

// What journald had lost before it could write it down was never seen.
TEST_F(JournalSourceTest, WhatJournaldMissedIsLost) {
  journal.ahead = {{.message = udp(53)},
                   {.next = Next::kMissed, .message = "Missed 12 kernel messages"},
                   {.next = Next::kMissed, .message = "Missed 1 kernel messages"},
                   {.next = Next::kMissed, .message = "Missed some"},
                   {.message = udp(54)}};
  ASSERT_TRUE(start()->read(drops));
  EXPECT_EQ(drops.size(), 2u);
  EXPECT_EQ(metrics.lost[Where::kKmsgOverrun].value(), 13u);
  EXPECT_EQ(metrics.pending(), 2);
}

TEST_F(JournalSourceTest, ReadsABoundedNumberOfEntriesAndComesBackAtOnce) {
  for (int i = 0; i < 5'000; ++i) journal.ahead.push_back({.message = udp(53)});
  const auto source = start();
  EXPECT_EQ(source->deadline(), SteadyTime{}) << "no change announces what is there already";
  for (const std::size_t read : {2'048u, 4'096u, 5'000u}) {
    ASSERT_LE(source->deadline(), steady_now());
    ASSERT_TRUE(source->read(drops));
    EXPECT_EQ(drops.size(), read);
  }
  EXPECT_NE(source->deadline(), SteadyTime{});
}

TEST_F(JournalSourceTest, TheReaderMayWantToBeAskedOfItsOwnAccord) {
  const auto source = start();
  ASSERT_TRUE(source->read(drops));
  journal.deadline = steady_now() - hours(1);
  EXPECT_EQ(source->deadline(), journal.deadline);
}

TEST_F(JournalSourceTest, TellsThePlaceToStartFromAndThenHowFarItRead) {
  const auto source = start();
  EXPECT_EQ(source->position(), "i=0");
  journal.ahead = {{.message = udp(53)}, {.message = udp(54)}};
  ASSERT_TRUE(source->read(drops));
  EXPECT_EQ(source->position(), "i=2");
}

TEST_F(JournalSourceTest, WhatCannotBeFollowedEndsIt) {
  const auto source = start();
  journal.broken = true;
  EXPECT_FALSE(source->read(drops));
}

}  // namespace
}  // namespace kube_nflog
