// SPDX-License-Identifier: Apache-2.0
#include "k8s/deliver.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/log.h"
#include "k8s/describe.h"
#include "k8s/event_key.h"
#include "k8s/outline.h"

namespace kube_nflog {
namespace {

constexpr std::size_t kDropsPerRound = 1'024;  // so that transfers and the watch get their turn
constexpr std::chrono::seconds kHousekeeping = Heartbeat::kLongestSleep;

}  // namespace

Deliver::Deliver(DeliverOptions options, DeliverParts parts)
    : options_(options),
      parts_(std::move(parts)),
      peers_(options_.peers, parts_.metrics),
      locator_(parts_.lookup,
               [this](const DropSummary& drop, const Owner& source, const Owner& destination,
                      Locator::Told told) { located(drop, source, destination, told); }) {}

void Deliver::stop() {
  stop_.store(true, std::memory_order_relaxed);
  parts_.poller.wake();
}

Result<> Deliver::run() {
  Result<> result;
  while (result && !stop_.load(std::memory_order_relaxed)) {
    result = step();
    if (result) sleep_until(next_due());
  }
  if (result) {
    result = flush();
  } else {
    take_leftovers();  // for the ledger
  }
  parts_.book.give_up();
  return result;
}

Result<> Deliver::step() {
  const SteadyTime now = parts_.clock();
  heartbeat_.beat(now);
  if (parts_.feed) parts_.feed->tick(now);
  if (now - pods_expired_at_ >= kHousekeeping) {
    parts_.pods.expire(now);
    pods_expired_at_ = now;
  }
  drain(now);
  std::size_t unlimited = std::numeric_limits<std::size_t>::max();
  return write(unlimited);
}

SteadyTime Deliver::next_due() const {
  if (synced() && parts_.queue.size() > 0) return SteadyTime::min();
  SteadyTime due = pods_expired_at_ + kHousekeeping;
  if (parts_.feed) due = std::min(due, parts_.feed->next_due());
  if (parts_.writer.has_room()) due = std::min(due, parts_.book.next_due());
  return due;
}

void Deliver::drain(SteadyTime now) {
  if (parts_.feed && !parts_.feed->synced()) return;
  synced_.store(true, std::memory_order_relaxed);
  DropSummary drop;
  for (std::size_t n = 0; n < kDropsPerRound; ++n) {
    if (!parts_.queue.pop(drop)) {
      backlog_ = false;
      break;
    }
    if (backlog_ && drop.last < system_now() - options_.expiry) {
      parts_.metrics.lost[Where::kExpired].add(drop.count);
    } else {
      take(drop, now);
    }
  }
}

// A Pod at one end of a drop, which is to be told of it.
struct Deliver::Side {
  Direction direction;
  const Owner& self;
  const Owner& peer;
  bool tells_ledger;  // one drop, one entry in the ledger: at the receiver, where there is one

  const std::string& uid() const { return self.pod->event_uid(); }
};

void Deliver::take(const DropSummary& drop, SteadyTime now) {
  const Owner source = parts_.pods.find(drop.key.src, now);
  const Owner destination = parts_.pods.find(drop.key.dst, now);
  // Many peers share an Event without their names, which waits for no answer.
  if (source.known() != destination.known() && (source.pod || destination.pod)) {
    const Side side = destination.pod ? Side{Direction::kReceiving, destination, source, true}
                                      : Side{Direction::kSending, source, destination, true};
    const PeerFold::Place place = peers_.place(side.uid(), side.direction, drop, now);
    if (place.shared()) {
      tell(drop, side, place, now);
      return locator_.locate_peer(drop, source, destination, side.direction, now);
    }
  }
  locator_.locate(drop, source, destination, now);
}

void Deliver::located(const DropSummary& drop, const Owner& source, const Owner& destination,
                      Locator::Told told) {
  const SteadyTime now = parts_.clock();
  const auto tell_pod = [&](const Side& side) {
    tell(drop, side, peers_.place(side.uid(), side.direction, drop, now), now);
  };
  if (destination.pod && told != Direction::kReceiving)
    tell_pod({Direction::kReceiving, destination, source, !told});
  if (source.pod && told != Direction::kSending)
    tell_pod({Direction::kSending, source, destination, !destination.pod && !told});
  if (source.pod || destination.pod || told) return;
  parts_.metrics.suppressed[Why::kNoPod].add(drop.count);
  if (log::shows(log::Level::kDebug)) {
    log::debug_every(std::chrono::seconds(1), "no_pod",
                     "No Event, for there is no Pod at either end: " + outline(drop));
  }
}

// Words are made for an Event's first drop alone.
void Deliver::tell(const DropSummary& drop, const Side& side, const PeerFold::Place& place,
                   SteadyTime now) {
  const EventCounts counts{drop.count, drop.first, drop.last, place.peers};
  if (parts_.book.add(place.event, counts, side.tells_ledger, now)) return;
  DropKey key = drop.key;
  Owner peer = side.peer;
  if (place.shared()) {
    set_peer(key, side.direction, place.example);
    peer = parts_.pods.find(place.example, now);
  }
  EventSubject subject = describe(key, side.direction, side.self, peer, options_.naming,
                                  place.shared() ? Peers::kMany : Peers::kOne);
  subject.interfaces = drop.interfaces;
  parts_.book.offer(std::move(subject), counts, side.tells_ledger, now);
}

// Starts what is due, at most `left` writes.
Result<> Deliver::write(std::size_t& left) {
  while (left > 0 && parts_.writer.has_room()) {
    std::optional<EventWrite> next = parts_.book.take(parts_.clock());
    if (!next) break;
    --left;
    ++in_flight_;
    Result<> result = parts_.writer.write(
        std::move(*next), [this](const EventWrite& write, const WriteOutcome& outcome) {
          --in_flight_;
          parts_.book.finish(write, outcome, parts_.clock(), parts_.dice());
        });
    if (!result) return result;
  }
  return {};
}

Result<> Deliver::flush() {
  const SteadyTime deadline = parts_.clock() + options_.flush_time;
  take_leftovers();
  parts_.book.hurry(parts_.clock());
  std::size_t left = options_.flush_writes;
  while (parts_.clock() < deadline) {
    if (Result<> result = write(left); !result) return result;
    if (parts_.book.waiting() == 0 || (left == 0 && in_flight_ == 0)) break;
    const bool may_write = left > 0 && parts_.writer.has_room();
    sleep_until(may_write ? std::min(deadline, parts_.book.next_due()) : deadline);
  }
  return {};
}

// What thread 1 handed over last is told with what is known: there is no time to ask.
void Deliver::take_leftovers() {
  const bool pods_unknown = parts_.feed && !parts_.feed->synced();
  DropSummary drop;
  while (pods_unknown && parts_.queue.pop(drop)) {
    parts_.metrics.lost[Where::kUnflushed].add(drop.count);
  }
  while (parts_.queue.size() > 0) drain(parts_.clock());
  locator_.give_up();
}

void Deliver::sleep_until(SteadyTime due) {
  using std::chrono::milliseconds;
  const SteadyTime now = parts_.clock();
  const auto wait = due <= now ? milliseconds(0) : std::chrono::ceil<milliseconds>(due - now);
  parts_.poller.poll(std::min<milliseconds>(wait, kHousekeeping));
}

}  // namespace kube_nflog
