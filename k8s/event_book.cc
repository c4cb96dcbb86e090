// SPDX-License-Identifier: Apache-2.0
#include "k8s/event_book.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/log.h"

namespace kube_nflog {
namespace {

using namespace std::chrono_literals;

constexpr auto kClockWasSet = 60s;
constexpr std::size_t kMaxRefusals = 1'024;
constexpr std::chrono::seconds kProbe{1};  // a refusing namespace is tried by one write in so long

// Up to a tenth longer, so that a fleet that began together does not go on together.
SteadyTime::duration spread(SteadyTime::duration wait, double dice) {
  const auto ticks = static_cast<double>(wait.count());
  return wait + SteadyTime::duration(static_cast<SteadyTime::rep>(ticks * 0.1 * dice));
}

}  // namespace

EventBook::EventBook(EventBookOptions options, Metrics& metrics)
    : options_(std::move(options)), metrics_(metrics) {
  if (options_.budget) budget_.emplace(*options_.budget);
  show_budget();
}

void EventBook::show_budget() {
  metrics_.event_budget_percent.set(budget_ ? std::lround(budget_->share() * 100) : 100);
}

bool EventBook::add(std::uint64_t key, const EventCounts& counts, bool tells_ledger,
                    SteadyTime now) {
  forget_quiet(now);
  const auto found = entries_.find(key);
  if (found == entries_.end()) return false;
  count(found->second, counts, tells_ledger ? counts.count : 0, now);
  return true;
}

void EventBook::offer(EventSubject subject, const EventCounts& counts, bool tells_ledger,
                      SteadyTime now) {
  if (add(subject.key, counts, tells_ledger, now)) return;
  const std::uint64_t ledger = tells_ledger ? counts.count : 0;
  if (refuses(subject.pod.ns, now)) return metrics_.lost[Where::kRefused].add(ledger);
  Entry* const entry = admit(subject, counts.first, now);
  if (!entry) return metrics_.suppressed[Why::kEventBudget].add(ledger);
  count(*entry, counts, ledger, now);
}

void EventBook::count(Entry& entry, const EventCounts& counts, std::uint64_t ledger,
                      SteadyTime now) {
  if (refuses(entry.subject->pod.ns, now) || (entry.refused && now < entry.not_before))
    return metrics_.lost[Where::kRefused].add(ledger);
  EventRecord& record = entry.record;
  record.first = record.count() == 0 ? counts.first : std::min(record.first, counts.first);
  // A summary that was told late is a second older; a clock that was set back, much more, and then
  // what it said before is no time that anybody knows.
  if (counts.last > record.last || record.last - counts.last > kClockWasSet)
    record.last = counts.last;
  record.total += counts.count;
  record.add_peers(counts.peers);
  entry.ledger_waiting += ledger;
  if (entry.idle == idle_.end()) return;
  if (record.total > record.told) return wake(entry, now);
  metrics_.reported.add(std::exchange(entry.ledger_waiting, 0));  // by an earlier process
}

// Null: there is no room.
EventBook::Entry* EventBook::admit(EventSubject& subject, SystemTime first, SteadyTime now) {
  const auto waiting = waiting_of_pod_.find(subject.pod.uid);
  if (waiting != waiting_of_pod_.end() && waiting->second >= options_.waiting_per_pod)
    return nullptr;
  if (entries_.size() >= options_.capacity) {
    if (idle_.empty()) return nullptr;
    entries_.erase(idle_.front());
    idle_.pop_front();
    ++forgotten_;
  }
  const std::uint64_t key = subject.key;
  Entry& entry = entries_[key];
  entry.record.stamp = stamp(first);
  entry.subject = std::make_shared<const EventSubject>(std::move(subject));
  entry.idle_since = now;
  entry.idle = idle_.insert(idle_.end(), key);
  metrics_.event_keys.set(static_cast<std::int64_t>(entries_.size()));
  return &entry;
}

void EventBook::forget_quiet(SteadyTime now) {
  while (!idle_.empty()) {
    const auto oldest = entries_.find(idle_.front());
    if (now - oldest->second.idle_since < options_.forget) break;
    entries_.erase(oldest);
    idle_.pop_front();
  }
  metrics_.event_keys.set(static_cast<std::int64_t>(entries_.size()));
}

// From idle to waiting.
void EventBook::wake(Entry& entry, SteadyTime now) {
  idle_.erase(entry.idle);
  entry.idle = idle_.end();
  ++waiting_of_pod_[entry.subject->pod.uid];
  if (now - entry.idle_since >= options_.update_interval_max) entry.interval = {};
  entry.refused = false;
  queue_.add(entry.subject->key, entry.subject->pod.ns, std::max(now, entry.not_before));
}

// After a write: waiting again if more has come, else idle.
void EventBook::settle(Entry& entry, SteadyTime now) {
  const EventSubject& subject = *entry.subject;
  if (entry.record.total > entry.record.told) {
    return queue_.add(subject.key, subject.pod.ns, std::max(now, entry.not_before));
  }
  metrics_.reported.add(std::exchange(entry.ledger_waiting, 0));  // by an earlier process
  const auto waiting = waiting_of_pod_.find(subject.pod.uid);
  if (--waiting->second == 0) waiting_of_pod_.erase(waiting);
  entry.idle_since = now;
  entry.idle = idle_.insert(idle_.end(), subject.key);
}

std::optional<EventWrite> EventBook::take(SteadyTime now) {
  while (next_due() <= now) {
    const std::optional<std::uint64_t> key = queue_.pop(now);
    if (!key) break;
    Entry& entry = entries_.at(*key);
    const PodRef& pod = entry.subject->pod;
    if (refuses(pod.ns, now)) {
      refuse(entry, now);
      settle(entry, now);
      continue;
    }
    const auto refusal = refusals_.find(pod.ns);
    const bool tries_again = refusal != refusals_.end() && !hurrying_;
    if (tries_again && refusal->second.until > now) {
      queue_.add(*key, pod.ns, refusal->second.until);
      continue;
    }
    if (budget_) {
      if (const SteadyTime when = budget_->pod_available_at(pod.uid); when > now) {
        queue_.add(*key, pod.ns, when);
        continue;
      }
      entry.paid = budget_->take(pod.uid, now);
    }
    if (tries_again) refusal->second.until = now + kProbe;
    entry.ledger_in_flight = std::exchange(entry.ledger_waiting, 0);
    return EventWrite{entry.subject, entry.record};
  }
  return {};
}

SteadyTime EventBook::next_due() const {
  const SteadyTime due = std::max(queue_.next_due(), paused_until_);
  return budget_ ? std::max(due, budget_->node_available_at()) : due;
}

void EventBook::finish(const EventWrite& write, const WriteOutcome& outcome, SteadyTime now,
                       double dice) {
  using Verdict = WriteOutcome::Verdict;
  Entry& entry = entries_.at(write.subject->key);
  entry.record.base = write.record.base;
  entry.record.base_peers = write.record.base_peers;
  entry.record.told = std::max(entry.record.told, write.record.told);  // as a GET has shown
  entry.record.first = std::min(entry.record.first, write.record.first);
  entry.record.exists = write.record.exists;
  entry.record.unsure = write.record.unsure;
  entry.record.resource_version = write.record.resource_version;
  switch (outcome.verdict) {
    case Verdict::kWritten:
      written(entry, write, now, dice);
      break;
    case Verdict::kRetry:
      retry(entry, outcome, now, dice);
      break;
    case Verdict::kConflict:
      put_off(entry, now, dice);
      break;
    case Verdict::kForbidden:
      forbid(entry, now, dice);
      break;
    case Verdict::kNamespaceRefused:
      refuse_namespace(write.subject->pod.ns, now);
      [[fallthrough]];
    case Verdict::kRefused:
      refuse(entry, now);
      break;
  }
  settle(entry, now);
}

void EventBook::written(Entry& entry, const EventWrite& write, SteadyTime now, double dice) {
  metrics_.reported.add(std::exchange(entry.ledger_in_flight, 0));
  const std::string& ns = entry.subject->pod.ns;
  if (refusals_.erase(ns) > 0) log::info("Events in namespace " + ns + " are written again");
  entry.record.told = std::max(write.record.total, write.record.told);
  entry.attempt = 0;
  failures_ = 0;
  if (budget_) budget_->speed_up();
  show_budget();
  const bool is_first = entry.interval.count() == 0;
  entry.interval = is_first ? options_.update_interval
                            : std::min(entry.interval * 2, options_.update_interval_max);
  entry.not_before = hurrying_ ? now : now + spread(entry.interval, dice);
}

void EventBook::retry(Entry& entry, const WriteOutcome& outcome, SteadyTime now, double dice) {
  entry.ledger_waiting += std::exchange(entry.ledger_in_flight, 0);
  // What has cost the server is paid for. Else, while it refuses every write, each node would ask
  // more often than when it takes them.
  if (budget_) budget_->give_back(entry.subject->pod.uid, outcome.overloaded ? 0ms : entry.paid);
  const SteadyTime::duration asked = outcome.retry_after.value_or(0ms);
  const auto wait = [&](unsigned attempt) {  // all nodes were asked the same
    return now + asked + next_delay(options_.backoff, attempt, dice);
  };
  entry.not_before = wait(entry.attempt++);
  // The server's trouble more likely than this Event's: leave it alone. Writes that were under way
  // when the pause began say nothing new.
  if (now < paused_until_) {
    paused_until_ = std::max(paused_until_, now + asked);
    return;
  }
  paused_until_ = wait(failures_++);
  if (budget_) budget_->slow_down();  // also for a server that was away: a fleet comes back to it
  show_budget();
}

// The server is well, so others go on. Not given back to the budget: this one may come again and
// again, and the Pod that it is about is to pay for it.
void EventBook::put_off(Entry& entry, SteadyTime now, double dice) {
  entry.ledger_waiting += std::exchange(entry.ledger_in_flight, 0);
  const BackoffLimits limits{options_.backoff.first, options_.refusal};
  entry.not_before = now + next_delay(limits, entry.attempt++, dice);
}

void EventBook::refuse(Entry& entry, SteadyTime now) {
  metrics_.lost[Where::kRefused].add(std::exchange(entry.ledger_in_flight, 0) +
                                     std::exchange(entry.ledger_waiting, 0));
  entry.record.total = entry.record.told;
  entry.refused = true;
  entry.not_before = now + options_.refusal;
}

// Not given back to the budget: the write has cost the server as much as any, and when our RBAC is
// missing, it is missing for every node.
void EventBook::forbid(Entry& entry, SteadyTime now, double dice) {
  Refusal* const refusal = refusal_of(entry.subject->pod.ns, now);
  if (!refusal || now - refusal->since >= options_.refusal) {
    refuse_namespace(entry.subject->pod.ns, now);
    return refuse(entry, now);
  }
  entry.ledger_waiting += std::exchange(entry.ledger_in_flight, 0);
  refusal->until = now + next_delay(options_.backoff, refusal->attempt++, dice);
  entry.not_before = refusal->until;
}

bool EventBook::refuses(const std::string& ns, SteadyTime now) const {
  const auto it = refusals_.find(ns);
  return it != refusals_.end() && it->second.final && now < it->second.until;
}

// The one that goes on, or a new one; null: there is no room.
EventBook::Refusal* EventBook::refusal_of(const std::string& ns, SteadyTime now) {
  const auto is_over = [&](const Refusal& refusal) {
    return now - refusal.until > options_.refusal;
  };
  if (refusals_.size() >= kMaxRefusals && !refusals_.contains(ns)) {
    std::erase_if(refusals_, [&](const auto& entry) { return is_over(entry.second); });
    if (refusals_.size() >= kMaxRefusals) return nullptr;
  }
  Refusal& refusal = refusals_.try_emplace(ns, Refusal{.since = now, .until = now}).first->second;
  if (is_over(refusal)) refusal = {.since = now, .until = now};
  return &refusal;
}

void EventBook::refuse_namespace(const std::string& ns, SteadyTime now) {
  if (Refusal* const refusal = refusal_of(ns, now)) {
    refusal->until = now + options_.refusal;
    refusal->final = true;
  }
}

void EventBook::hurry(SteadyTime now) {
  hurrying_ = true;
  budget_.reset();
  paused_until_ = now;
  queue_.hurry();
}

std::uint64_t EventBook::give_up(bool is_kept) {
  std::uint64_t untold = 0;
  for (auto& [key, entry] : entries_) {
    untold += std::exchange(entry.ledger_in_flight, 0) + std::exchange(entry.ledger_waiting, 0);
  }
  if (is_kept)
    metrics_.suppressed[Why::kKept].add(untold);
  else
    metrics_.lost[Where::kUnflushed].add(untold);
  return untold;
}

}  // namespace kube_nflog
