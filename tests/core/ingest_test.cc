// SPDX-License-Identifier: Apache-2.0
#include "core/ingest.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/unique_fd.h"

namespace kube_nflog {
namespace {

// A source that gives what it was told to, one batch a read.
class FakeSource final : public DropSource {
 public:
  explicit FakeSource(Metrics& metrics) : metrics_(metrics), fd_(::eventfd(0, EFD_SEMAPHORE)) {}

  void give(std::vector<Drop> batch) {
    batches_.push_back(std::move(batch));
    const std::uint64_t one = 1;
    EXPECT_EQ(::write(fd_.get(), &one, sizeof one), ssize_t{sizeof one});
  }
  void break_down() { broken_ = true; }
  // Something that follow() is to take in before the next read().
  void change() { EXPECT_EQ(::eventfd_write(side_fd_.get(), 1), 0); }
  const std::vector<std::string>& calls() const { return calls_; }

  std::string_view name() const override { return "fake"; }
  int fd() const override { return fd_.get(); }
  int side_fd() const override { return side_fd_.get(); }
  void follow() override {
    eventfd_t unused = 0;
    EXPECT_EQ(::eventfd_read(side_fd_.get(), &unused), 0);
    calls_.push_back("follow");
  }
  Result<> read(std::vector<Drop>& out) override {
    calls_.push_back("read");
    if (broken_) return fail("the source broke");
    if (batches_.empty()) return {};
    std::uint64_t one = 0;
    EXPECT_EQ(::read(fd_.get(), &one, sizeof one), ssize_t{sizeof one});
    metrics_.seen.add(batches_.front().size());
    out.insert(out.end(), batches_.front().begin(), batches_.front().end());
    given_ += batches_.front().size();
    batches_.erase(batches_.begin());
    return {};
  }
  std::optional<std::string> position() override { return std::to_string(given_); }

 private:
  Metrics& metrics_;
  UniqueFd fd_, side_fd_{::eventfd(0, 0)};
  std::vector<std::string> calls_;
  std::vector<std::vector<Drop>> batches_;
  std::size_t given_ = 0;
  bool broken_ = false;
};

Drop drop(const char* dst, std::uint16_t port) {
  Drop d;
  d.key.src = IpAddr::parse("10.0.0.1").value();
  d.key.dst = IpAddr::parse(dst).value();
  d.key.protocol = 6;
  d.key.detail = port;
  d.key.detail_kind = Detail::kPort;
  return d;
}

struct Rig {
  Metrics metrics;
  FakeSource source{metrics};
  BoundedQueue<DropSummary> queue{4};
  int woken = 0;
  Ingest ingest{{}, source, queue, metrics, [this] { ++woken; }};
};

TEST(Ingest, FoldsRepeatsSetsNoiseAsideAndWakesTheOtherThread) {
  Rig rig;
  Drop broken = drop("10.0.0.2", 81);
  broken.mid_stream = true;
  rig.source.give({drop("10.0.0.2", 80), drop("10.0.0.2", 80), broken, drop("224.0.0.1", 80)});
  ASSERT_TRUE(rig.ingest.step(steady_now()));
  EXPECT_EQ(rig.woken, 1);
  DropSummary s;
  ASSERT_TRUE(rig.queue.pop(s));
  EXPECT_EQ(s.count, 1u);
  EXPECT_EQ(rig.metrics.suppressed[Why::kMidStream].value(), 1u);
  EXPECT_EQ(rig.metrics.suppressed[Why::kMulticast].value(), 1u);
  EXPECT_EQ(rig.metrics.dedupe_keys.value(), 1);
  EXPECT_EQ(rig.metrics.pending(), 2) << "seen 4, 2 suppressed";
  ASSERT_TRUE(rig.ingest.step(steady_now()));
  EXPECT_EQ(rig.woken, 1) << "nothing new, no wake-up";
  EXPECT_TRUE(rig.ingest.heartbeat().is_late(steady_now() + std::chrono::minutes(2)));
}

TEST(Ingest, CountsWhatTheFoldHasNoRoomFor) {
  Metrics metrics;
  FakeSource source(metrics);
  BoundedQueue<DropSummary> queue(4);
  IngestOptions options;
  options.dedupe.capacity = 64;  // one source that scans
  Ingest ingest(options, source, queue, metrics, [] {});
  std::vector<Drop> scan{drop("10.0.0.2", 80), drop("10.0.0.3", 80), drop("10.0.0.4", 80)};
  scan.push_back(drop("10.0.0.5", 80));
  scan.back().key.protocol = 17;  // would be another key
  scan.push_back(scan.back());
  source.give(scan);
  ASSERT_TRUE(ingest.step(steady_now()));
  EXPECT_EQ(metrics.lost[Where::kFoldFull].value(), 2u);
  EXPECT_EQ(metrics.pending(), 3);
}

TEST(Ingest, AtTheEndReadsOnAndHandsOutWhatIsPending) {
  Rig rig;
  for (int i = 0; i < 3; ++i) rig.source.give({drop("10.0.0.2", 80), drop("10.0.0.2", 80)});
  const UniqueFd stop(::eventfd(1, 0));
  ASSERT_TRUE(rig.ingest.run(stop.get()));
  std::uint64_t packets = 0;
  for (DropSummary s; rig.queue.pop(s);) packets += s.count;
  EXPECT_EQ(packets, 6u);
  EXPECT_EQ(rig.metrics.lost[Where::kQueueFull].value(), 0u);
}

TEST(Ingest, AtTheEndCountsWhatNobodyTook) {
  Rig rig;
  for (std::uint16_t port = 1; port <= 6; ++port) rig.source.give({drop("10.0.0.2", port)});
  const UniqueFd stop(::eventfd(1, 0));
  ASSERT_TRUE(rig.ingest.run(stop.get()));  // the queue holds 4 and nobody drains it
  EXPECT_EQ(rig.metrics.lost[Where::kQueueFull].value(), 2u);
  EXPECT_EQ(rig.metrics.pending(), 4);
}

TEST(Ingest, ABrokenSourceEndsItWithTheReason) {
  Rig rig;
  rig.source.break_down();
  const UniqueFd stop(::eventfd(1, 0));
  const Result<> result = rig.ingest.run(stop.get());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().what, "the source broke");
}

TEST(Ingest, TakesChangesInBeforeItReadsAndOnlyThen) {
  Rig rig;
  const UniqueFd stop(::eventfd(1, 0));
  rig.source.give({drop("10.0.0.2", 80)});
  ASSERT_TRUE(rig.ingest.run(stop.get()));
  EXPECT_EQ(rig.source.calls(), std::vector<std::string>{"read"});
  rig.source.change();
  rig.source.give({drop("10.0.0.2", 80)});
  ASSERT_TRUE(rig.ingest.run(stop.get()));
  EXPECT_EQ(rig.source.calls(), (std::vector<std::string>{"read", "follow", "read"}));
}

TEST(Ingest, UnderLoadItLetsTheSourceGather) {
  Rig rig;
  for (int i = 0; i < 20; ++i) rig.source.give(std::vector<Drop>(500, drop("10.0.0.2", 80)));
  const UniqueFd stop(::eventfd(0, 0));
  const SteadyTime start = steady_now();
  std::thread ingest([&] { EXPECT_TRUE(rig.ingest.run(stop.get())); });
  while (rig.metrics.seen.value() < 10'000) std::this_thread::yield();
  EXPECT_GE(steady_now() - start, std::chrono::milliseconds(19 * 5)) << "20 reads, 5 ms apart";
  EXPECT_EQ(::eventfd_write(stop.get(), 1), 0);
  ingest.join();
  EXPECT_EQ(rig.metrics.pending(), 20 * 500);
}

// With a cut: what the source has given is its position.
struct CutRig : Rig {
  SteadyTime now = steady_now();
  Cut cut;
  Ingest ingest{{}, source, queue, metrics, [this] { ++woken; }, &cut};
  // Counts that come out of the queue, up to the mark if there is one; 0 = the mark.
  std::vector<std::uint64_t> taken() {
    std::vector<std::uint64_t> counts;
    for (DropSummary s; queue.pop(s);) counts.push_back(s.count);
    return counts;
  }
  void step(std::chrono::milliseconds later = {}) { ASSERT_TRUE(ingest.step(now += later)); }
};
using Counts = std::vector<std::uint64_t>;

TEST(IngestCut, HandsOutAllCountsBeforeTheMark) {
  CutRig rig;
  rig.step();
  EXPECT_EQ(rig.taken(), Counts{0}) << "where it starts";
  EXPECT_EQ(rig.cut.position(), "0");
  rig.cut.end({});
  rig.source.give(std::vector<Drop>(5, drop("10.0.0.2", 80)));
  rig.step(std::chrono::milliseconds(100));
  EXPECT_EQ(rig.taken(), Counts{1});
  rig.step(std::chrono::milliseconds(899));
  EXPECT_EQ(rig.taken(), Counts{}) << "not within a second";
  rig.step(std::chrono::milliseconds(1));
  EXPECT_EQ(rig.taken(), (Counts{4, 0}));
  EXPECT_EQ(rig.cut.position(), "5");
  rig.source.give({drop("10.0.0.2", 80)});
  rig.step(std::chrono::seconds(5));
  EXPECT_EQ(rig.taken(), Counts{}) << "a repeat is still one; and that cut is still under way";
  rig.cut.end(std::chrono::seconds(8));
  rig.step(std::chrono::seconds(2));
  EXPECT_EQ(rig.taken(), Counts{}) << "the deliver thread asked for a longer rest";
  rig.step(std::chrono::seconds(1));
  EXPECT_EQ(rig.taken(), (Counts{1, 0}));
  rig.cut.end({});
  rig.step(std::chrono::seconds(5));
  EXPECT_EQ(rig.taken(), Counts{}) << "nothing new";
}

TEST(IngestCut, ReadsNothingWhileTheQueueIsTooSmallForAllCounts) {
  CutRig rig;
  rig.step();
  rig.taken();
  rig.cut.end({});
  for (std::uint16_t port = 1; port <= 6; ++port) {
    rig.source.give({drop("10.0.0.2", port), drop("10.0.0.2", port)});
    rig.step();
    rig.taken();
  }
  rig.source.give({drop("10.0.0.2", 7)});
  rig.step(std::chrono::seconds(1));
  EXPECT_EQ(rig.taken(), (Counts{1, 1, 1, 1})) << "the queue holds 4";
  EXPECT_EQ(rig.metrics.seen.value(), 12u);
  rig.step(std::chrono::milliseconds(5));
  EXPECT_EQ(rig.taken(), (Counts{1, 1, 0, 1})) << "the mark, and what was read after it";
  EXPECT_EQ(rig.cut.position(), "12");
}

TEST(IngestCut, AQueueThatNobodyDrainsIsNotFilledAndReadingGoesOn) {
  CutRig rig;
  rig.step();
  rig.cut.end({});  // but the mark stays in the queue
  rig.source.give({drop("10.0.0.2", 1), drop("10.0.0.2", 1)});
  rig.step();
  for (int second = 0; second < 5; ++second) {
    rig.source.give({drop("10.0.0.2", 1)});
    rig.step(std::chrono::seconds(1));
  }
  EXPECT_EQ(rig.metrics.seen.value(), 7u);
  EXPECT_EQ(rig.taken(), (Counts{0, 1}));
}

// Always readable: the end is while packets still come.
class EndlessSource final : public DropSource {
 public:
  std::string_view name() const override { return "endless"; }
  int fd() const override { return fd_.get(); }
  Result<> read(std::vector<Drop>& out) override {
    out.push_back(drop("10.0.0.2", static_cast<std::uint16_t>(1 + seen++ % 100)));
    return {};
  }
  std::uint64_t seen = 0;

 private:
  UniqueFd fd_{::eventfd(1, 0)};
};

TEST(Ingest, AtTheEndHandsOverInATimeOfItsOwn) {
  Metrics metrics;
  EndlessSource source;
  BoundedQueue<DropSummary> queue(4);
  Ingest ingest({}, source, queue, metrics, [] {});
  std::atomic<bool> over{false};
  std::uint64_t taken = 0;
  std::thread consumer([&] {
    while (!over || queue.size() > 0) {
      for (DropSummary s; queue.pop(s);) taken += s.count;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  const UniqueFd stop(::eventfd(1, 0));
  EXPECT_TRUE(ingest.run(stop.get()));
  over = true;
  consumer.join();
  EXPECT_EQ(metrics.lost[Where::kQueueFull].value(), 0u);
  EXPECT_EQ(taken, source.seen);
}

TEST(IngestCut, EndsWithOne) {
  CutRig rig;
  rig.step();
  rig.taken();
  rig.cut.end({});
  rig.source.give(std::vector<Drop>(3, drop("10.0.0.2", 80)));
  const UniqueFd stop(::eventfd(1, 0));
  ASSERT_TRUE(rig.ingest.run(stop.get()));
  EXPECT_EQ(rig.taken(), (Counts{1, 2, 0}));
  EXPECT_EQ(rig.cut.position(), "3");
}

TEST(IngestCut, AtTheEndWhatNobodyTookIsReadAgainIfACutIsKept) {
  CutRig rig;
  rig.cut.set_kept();
  for (std::uint16_t port = 1; port <= 6; ++port) rig.source.give({drop("10.0.0.2", port)});
  const UniqueFd stop(::eventfd(1, 0));
  ASSERT_TRUE(rig.ingest.run(stop.get()));
  EXPECT_EQ(rig.metrics.suppressed[Why::kKept].value(), 3u) << "the first mark took a place, too";
  EXPECT_EQ(rig.metrics.lost[Where::kQueueFull].value(), 0u);
}

}  // namespace
}  // namespace kube_nflog
