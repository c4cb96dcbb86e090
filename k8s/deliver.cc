// SPDX-License-Identifier: Apache-2.0
#include "k8s/deliver.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/log.h"
#include "k8s/describe.h"
#include "k8s/drop_labels.h"
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
      locator_(
          parts_.pods, parts_.lookups,
          [this](const DropSummary& drop, const Ends& ends, Locator::Told told) {
            located(drop, ends, told);
          },
          options_.locating) {}

void Deliver::stop() {
  stop_.store(true, std::memory_order_relaxed);
  parts_.writer.hurry();
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
  give_up();
  return result;
}

// What a next process finds in the file, it tells.
void Deliver::give_up() {
  StateKeeper* const keeper = parts_.keeper;
  if (keeper && keeper->is_at_position()) save(parts_.clock());
  const bool is_kept = keeper && keeper->is_kept();
  const std::uint64_t untold = parts_.book.give_up(is_kept);
  if (is_kept && untold > 0) {
    log::info(std::to_string(untold) + " packets are still to be told: they are kept in " +
              keeper->path() + " for the next start.");
  }
}

Result<> Deliver::step() {
  const SteadyTime now = parts_.clock();
  if (began_ == SteadyTime()) began_ = now;
  heartbeat_.beat(now);
  if (parts_.feed) parts_.feed->tick(now);
  if (now - pods_expired_at_ >= kHousekeeping) {
    parts_.pods.expire(now);
    pods_expired_at_ = now;
  }
  drain(now);
  locator_.tick({now, system_now()});
  std::size_t unlimited = std::numeric_limits<std::size_t>::max();
  Result<> result = write(unlimited);
  if (parts_.keeper && parts_.keeper->due().value_or(SteadyTime::max()) <= now) save(now);
  return result;
}

SteadyTime Deliver::next_due() const {
  if (synced() && parts_.queue.size() > 0) return SteadyTime::min();
  SteadyTime due = std::min(pods_expired_at_ + kHousekeeping, locator_.next_due());
  if (parts_.feed) due = std::min(due, parts_.feed->next_due());
  if (parts_.writer.has_room()) due = std::min(due, parts_.book.next_due());
  if (parts_.keeper) due = std::min(due, parts_.keeper->due().value_or(SteadyTime::max()));
  return due;
}

void Deliver::drain(SteadyTime now) {
  if (parts_.feed && !parts_.feed->synced()) return;
  synced_.store(true, std::memory_order_relaxed);
  take_restored(now);
  DropSummary drop;
  for (std::size_t n = 0; n < kDropsPerRound; ++n) {
    if (!parts_.queue.pop(drop)) {
      backlog_ = false;
      break;
    }
    if (drop.is_mark()) {
      parts_.keeper->reach();
      save(now);
      continue;
    }
    if (parts_.keeper) parts_.keeper->pass();
    if (backlog_ && now - began_ >= options_.expiry && drop.last < system_now() - options_.expiry) {
      parts_.metrics.lost[Where::kExpired].add(drop.count);
    } else {
      take(drop, now);
    }
  }
}

void Deliver::restore(SavedState saved, bool exact) {
  const ClockPair clocks{system_now(), parts_.clock()};
  const auto take_over = [this](std::uint64_t packets) { parts_.metrics.seen.add(packets); };
  for (const SavedEvent& event : saved.events) take_over(event.ledger);
  for (const SavedDrop& waiting : saved.drops)
    if (!waiting.told) take_over(waiting.drop.count);
  parts_.book.restore(saved, exact, clocks);
  peers_.restore(saved, clocks);
  restored_ = std::move(saved.drops);
}

SavedState Deliver::state() const {
  const ClockPair clocks{system_now(), parts_.clock()};
  SavedState saved;
  saved.time = clocks.wall;
  parts_.book.save(clocks, saved);
  peers_.save(clocks, saved);
  saved.drops = restored_;
  locator_.save(saved);
  return saved;
}

void Deliver::save(SteadyTime now) { parts_.keeper->save(state(), now); }

// Those that waited for an answer at the cut ask again.
void Deliver::take_restored(SteadyTime now) {
  for (const SavedDrop& waiting : std::exchange(restored_, {})) {
    const DropSummary& drop = waiting.drop;
    if (!waiting.told) {
      take(drop, now);
    } else {
      const Moment moment{now, system_now()};
      locator_.locate_peer(drop,
                           {parts_.pods.find(drop.key.src, drop.last, moment),
                            parts_.pods.find(drop.key.dst, drop.last, moment),
                            {}},
                           *waiting.told, moment);
    }
  }
}

// A Pod at one end of a drop, which is to be told of it.
struct Deliver::Side {
  Direction direction;
  const Owner& self;
  const Owner& peer;
  const ServiceName& service;
  bool tells_ledger;  // one drop, one entry in the ledger: at the receiver, where there is one

  const std::string& uid() const { return self.pod->event_uid(); }
};

void Deliver::take(const DropSummary& drop, SteadyTime now) {
  const Moment moment{now, system_now()};
  Ends ends{parts_.pods.find(drop.key.src, drop.last, moment),
            parts_.pods.find(drop.key.dst, drop.last, moment),
            {}};
  const auto& [source, destination, service] = ends;
  // Many peers share an Event without their names, which waits for no answer.
  if (source.known() != destination.known() && (source.pod || destination.pod)) {
    const Side side = destination.pod
                          ? Side{Direction::kReceiving, destination, source, service, true}
                          : Side{Direction::kSending, source, destination, service, true};
    const PeerFold::Place place = peers_.place(side.uid(), side.direction, drop, now);
    if (place.shared()) {
      tell(drop, side, place, now);
      return locator_.locate_peer(drop, ends, side.direction, moment);
    }
  }
  locator_.locate(drop, std::move(ends), moment);
}

void Deliver::located(const DropSummary& drop, const Ends& ends, Locator::Told told) {
  const auto& [source, destination, service] = ends;
  const SteadyTime now = parts_.clock();
  const auto tell_pod = [&](const Side& side) {
    tell(drop, side, peers_.place(side.uid(), side.direction, drop, now), now);
  };
  if (destination.pod && told != Direction::kReceiving)
    tell_pod({Direction::kReceiving, destination, source, service, !told});
  if (source.pod && told != Direction::kSending)
    tell_pod({Direction::kSending, source, destination, service, !destination.pod && !told});
  if (source.pod || destination.pod || told) return;
  parts_.metrics.suppressed[Why::kNoPod].add(drop.count);
  if (log::shows(log::Level::kDebug)) {
    log::debug_every(std::chrono::seconds(1), "no_pod",
                     "No Event, for there is no Pod at either end: " + outline(drop));
  }
}

// Of one Pod, whether or not its Event comes to be written.
void Deliver::count(const DropSummary& drop, const Side& side) {
  Metrics& metrics = parts_.metrics;
  const DropWay way = drop_way(side.direction);
  metrics.drops[way]
      .at(drop_protocol(drop.key.protocol), drop_cause(drop.key.cause))
      .add(drop.count);
  if (metrics.workloads.enabled()) {
    metrics.workloads.add(side.self.pod->ns, workload_of(*side.self.pod),
                          kDropWayNames[static_cast<std::size_t>(way)], drop.count);
  }
}

// Words are made for an Event's first drop alone.
void Deliver::tell(const DropSummary& drop, const Side& side, const PeerFold::Place& place,
                   SteadyTime now) {
  count(drop, side);
  const EventCounts counts{drop.count, drop.first, drop.last, place.peers};
  if (parts_.book.add(place.event, counts, side.tells_ledger, now)) return;
  DropKey key = drop.key;
  Owner peer = side.peer;
  ServiceName service = side.service;
  if (place.shared()) {  // which has waited for no answer, but may find one remembered
    set_peer(key, side.direction, place.example);
    peer = locator_.recall(place.example, now);
    if (service.empty()) service = locator_.recall_service(key, now);
  }
  EventSubject subject = describe(key, side.direction, side.self, peer, options_.style,
                                  place.shared() ? Peers::kMany : Peers::kOne, service);
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
          if (parts_.keeper) parts_.keeper->touch();
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
  const bool is_kept = parts_.keeper && parts_.keeper->is_kept();
  if (pods_unknown) {
    for (const SavedDrop& waiting : restored_)  // they stay in the file
      if (!waiting.told) parts_.metrics.suppressed[Why::kKept].add(waiting.drop.count);
  }
  while (pods_unknown && parts_.queue.pop(drop)) {
    if (parts_.keeper) parts_.keeper->pass();
    if (is_kept)
      parts_.metrics.suppressed[Why::kKept].add(drop.count);
    else
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
