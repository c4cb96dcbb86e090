// SPDX-License-Identifier: Apache-2.0
#include "core/ingest.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <span>
#include <thread>
#include <utility>

namespace kube_nflog {
namespace {

using std::chrono::milliseconds;

// At exit: how long the source must be silent before we believe that all has arrived (the kernel
// holds a lone NFLOG record for up to 10 ms); how long reading on may take; and handing over, which
// has a time of its own, since under traffic reading takes all of its.
constexpr milliseconds kSilence{20}, kLastReads{400}, kHandOver{600};

// Under load a wake-up for each datagram costs more than the packets in it. So when a read brings
// kBusy, the source is left to gather more before the next; unless it brought kBehind, which is
// what comes in that time at the highest rates.
constexpr std::size_t kBusy = 100;
constexpr std::size_t kBehind = 4'000;
constexpr milliseconds kGather{5};

// For a cut all counts are handed out, which may be more than the queue takes at once. Meanwhile
// nothing is read, for so long at most: then that cut is given up.
constexpr milliseconds kLongestHold{200};

// A source whose fd() need not tell of what it has.
bool is_due(const DropSource& source) {
  const std::optional<SteadyTime> deadline = source.deadline();
  return deadline && *deadline <= steady_now();
}

int poll_timeout(SteadyTime now, const Dedupe& dedupe, std::optional<SteadyTime> deadline,
                 std::optional<SteadyTime> cut_due) {
  SteadyTime due = now + Heartbeat::kLongestSleep;
  if (dedupe.has_refused()) due = now + kGather;
  const SteadyTime next_edge = dedupe.next_edge();
  if (next_edge != SteadyTime{}) due = std::min(due, next_edge);
  if (deadline) due = std::min(due, *deadline);
  if (cut_due) due = std::min(due, *cut_due);
  const auto wait = std::chrono::ceil<milliseconds>(due - now).count();
  return static_cast<int>(std::max<decltype(wait)>(wait, 0));
}

}  // namespace

Ingest::Ingest(const IngestOptions& options, DropSource& source, BoundedQueue<DropSummary>& queue,
               Metrics& metrics, std::function<void()> wake, Cut* cut)
    : options_(options),
      source_(source),
      queue_(queue),
      metrics_(metrics),
      wake_(std::move(wake)),
      dedupe_(options.dedupe),
      cut_(cut) {}

Result<> Ingest::step(SteadyTime now) {
  heartbeat_.beat(now);
  batch_.clear();
  dedupe_.offer_again(queue_);
  if (cut_) make_cut(now);
  Result<> result;
  if (!hold_until_) result = source_.read(batch_);
  read_ = batch_.size();
  fold(now);
  if (cut_ && read_ > 0 && !cut_due_) cut_due_ = std::max(cut_at_ + Cut::kInterval, now);
  dedupe_.turn(now, queue_);
  metrics_.dedupe_keys.set(static_cast<std::int64_t>(dedupe_.size()));
  if (queue_.size() > 0) wake_();
  return result;
}

// In pieces that stay in the nearest cache from the first look at them to the last.
void Ingest::fold(SteadyTime now) {
  constexpr std::size_t kPiece = 128;
  std::array<std::uint64_t, kLabelCount<Why>> suppressed{};
  std::uint64_t no_room = 0;
  for (std::span<Drop> rest = batch_; !rest.empty();) {
    const std::span<Drop> piece = rest.first(std::min(rest.size(), kPiece));
    rest = rest.subspan(piece.size());
    const auto end = std::remove_if(piece.begin(), piece.end(), [&](const Drop& drop) {
      const std::optional<Why> why = noise(drop, options_.noise);
      if (why) ++suppressed[static_cast<std::size_t>(*why)];
      return why.has_value();
    });
    no_room += dedupe_.add(std::span(piece.begin(), end), now, queue_);
  }
  for (std::size_t i = 0; i < suppressed.size(); ++i)
    if (suppressed[i] > 0) metrics_.suppressed[static_cast<Why>(i)].add(suppressed[i]);
  metrics_.lost[Where::kFoldFull].add(no_room);
}

// The place for it is before a read: by then the deliver thread has mostly taken all that the last
// one brought.
void Ingest::make_cut(SteadyTime now) {
  cut_due_.reset();
  const SteadyTime due = cut_at_ + (cut_->under_way() ? kLongestHold : cut_->rest());
  if (cut_->under_way() || now < due) {
    cut_due_ = std::max(due, now + kGather);
    return;
  }
  std::optional<std::string> position = source_.position();
  if (!position || *position == cut_position_) return;
  if (!hand_out_for_cut(now)) return;
  cut_position_ = *position;
  cut_at_ = now;
  cut_->begin(std::move(*position));
  queue_.push(DropSummary::mark());
}

// Whether all is in the queue, and there is room for the mark. A queue that nobody drains, since
// the Pods are not known yet, is not filled up with counts.
bool Ingest::hand_out_for_cut(SteadyTime now) {
  const bool is_drained = hold_until_ || queue_.size() <= queue_.capacity() / 8;
  const bool done = is_drained && dedupe_.flush(queue_) == 0 && queue_.size() < queue_.capacity();
  if (!done && is_drained && now < hold_until_.value_or(now + kLongestHold)) {
    hold_until_ = hold_until_.value_or(now + kLongestHold);
    cut_due_ = now + kGather;
    return false;
  }
  hold_until_.reset();
  if (done) return true;
  cut_at_ = now;
  cut_due_ = now + cut_->rest();
  return false;
}

Result<> Ingest::run(int stop_fd) {
  for (;;) {
    std::array<pollfd, 3> fds{
        {{stop_fd, POLLIN, 0}, {source_.side_fd(), POLLIN, 0}, {source_.fd(), POLLIN, 0}}};
    // Under load the source gathers for a moment; only the others are waited for meanwhile.
    const bool gather = hold_until_ || (read_ >= kBusy && read_ < kBehind && !is_due(source_));
    const int timeout = gather ? static_cast<int>(kGather.count())
                               : poll_timeout(steady_now(), dedupe_, source_.deadline(), cut_due_);
    if (::poll(fds.data(), gather ? fds.size() - 1 : fds.size(), timeout) < 0 && errno != EINTR)
      return fail(std::string("poll: ") + std::strerror(errno), Exit::kFailure, errno);
    if (fds[1].revents != 0) source_.follow();
    Result<> result = step(steady_now());
    if (!result || fds[0].revents != 0) {
      finish();
      return result;
    }
  }
}

void Ingest::finish() {
  const SteadyTime read_until = steady_now() + kLastReads;
  pollfd source{source_.fd(), POLLIN, 0};
  while ((is_due(source_) || ::poll(&source, 1, kSilence.count()) > 0) && steady_now() < read_until)
    if (!step(steady_now())) break;
  const SteadyTime until = steady_now() + kHandOver;
  std::uint64_t refused = dedupe_.flush(queue_);
  wake_();
  while ((refused > 0 || !make_last_cut()) && steady_now() < until) {
    std::this_thread::sleep_for(milliseconds(5));
    refused = dedupe_.flush(queue_);
    wake_();
  }
  // A next process reads on from the cut that is kept.
  if (cut_ && cut_->is_kept())
    metrics_.suppressed[Why::kKept].add(refused);
  else
    metrics_.lost[Where::kQueueFull].add(refused);
}

// False: not yet.
bool Ingest::make_last_cut() {
  if (!cut_) return true;
  if (cut_->under_way() || queue_.size() == queue_.capacity()) return false;
  std::optional<std::string> position = source_.position();
  if (!position || *position == cut_position_) return true;
  cut_position_ = *position;
  cut_->begin(std::move(*position));
  return queue_.push(DropSummary::mark());
}

}  // namespace kube_nflog
