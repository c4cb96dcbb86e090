// SPDX-License-Identifier: Apache-2.0
// What an EventBook leaves to the process after it.
#include <algorithm>
#include <utility>

#include "k8s/event_book.h"

namespace kube_nflog {

std::string EventBook::stamp(SystemTime first) const {
  constexpr std::chrono::minutes kPeriod{45};  // lines may be ten minutes old
  return options_.run_id + '.' + std::to_string(forgotten_) + '.' +
         std::to_string(first.time_since_epoch() / kPeriod);
}

void EventBook::save(const ClockPair& clocks, SavedState& out) const {
  out.run_id = options_.run_id;
  out.forgotten = forgotten_;
  out.events.reserve(entries_.size());
  const auto add = [&](const Entry& entry) {
    out.events.push_back({.subject = entry.subject,
                          .record = entry.record,
                          .ledger = entry.ledger_waiting + entry.ledger_in_flight,
                          .not_before = clocks.wall_time(entry.not_before),
                          .idle_since = clocks.wall_time(entry.idle_since),
                          .interval = entry.interval});
  };
  for (const std::uint64_t key : idle_) add(entries_.at(key));
  for (const auto& [key, entry] : entries_)
    if (entry.idle == idle_.end()) add(entry);
}

void EventBook::restore(const SavedState& saved, bool exact, const ClockPair& clocks) {
  if (exact) {
    options_.run_id = saved.run_id;
    forgotten_ = saved.forgotten;
  }
  for (const SavedEvent& event : saved.events) {
    const std::uint64_t key = event.subject->key;
    if (entries_.size() >= options_.capacity || entries_.contains(key)) continue;
    Entry& entry = entries_[key];
    entry.subject = event.subject;
    entry.record = event.record;
    EventRecord& record = entry.record;
    record.unsure = record.exists;
    if (!exact) {
      record.base += record.told;
      record.total -= std::min(record.total, record.told);
      record.told = 0;
      record.stamp = stamp(record.first);
    }
    entry.ledger_waiting = event.ledger;
    entry.interval = std::min(event.interval, options_.update_interval_max);
    entry.not_before = clocks.steady_time(event.not_before, clocks.steady + entry.interval);
    entry.idle_since = clocks.steady_time(event.idle_since, clocks.steady);
    const PodRef& pod = entry.subject->pod;
    if (record.total > record.told) {
      entry.idle = idle_.end();
      ++waiting_of_pod_[pod.uid];
      queue_.add(key, pod.ns, std::max(clocks.steady, entry.not_before));
    } else {
      metrics_.reported.add(std::exchange(entry.ledger_waiting, 0));
      entry.idle = idle_.insert(idle_.end(), key);
    }
  }
  metrics_.event_keys.set(static_cast<std::int64_t>(entries_.size()));
}

}  // namespace kube_nflog
