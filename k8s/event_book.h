// SPDX-License-Identifier: Apache-2.0
// EventBook: which Events there are, what is still to be told, and when. Merges counts while they
// wait, so that it never queues writes. Pure: clock and dice come in. Owned by deliver's thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/backoff.h"
#include "core/clock.h"
#include "core/metrics.h"
#include "k8s/event.h"
#include "k8s/event_budget.h"
#include "k8s/event_writer.h"
#include "k8s/fair_queue.h"
#include "k8s/saved_state.h"

namespace kube_nflog {

struct EventBookOptions {
  // A repeat is told not sooner than update_interval after the last write, doubling to the maximum
  // while drops go on. Less than half the API server's --event-ttl (1 h): a live one never expires.
  std::chrono::milliseconds update_interval{60'000};
  std::chrono::milliseconds update_interval_max{600'000};
  std::optional<EventRates> budget = EventRates{};  // null: no budget (stdout)
  BackoffLimits backoff{};
  // How long a namespace may answer 403 before what waits for it is lost, and how long a refused
  // Event or namespace is then left alone.
  std::chrono::milliseconds refusal{180'000};
  std::chrono::seconds forget{3'600};  // quiet Events; the server's has expired by then, too
  std::size_t capacity = 8'192;        // Events
  std::size_t waiting_per_pod = 64;    // so that one flooded Pod does not take every place
  std::string run_id{};                // unique to this process
};

// An Event's stamp names the run, how often the book had forgotten an Event for lack of room, and
// the three quarters of an hour of its first packet. So no two counts of one Event share a stamp:
// one that is quiet is not forgotten within an hour. And a process that goes on from a cut, in the
// same run, gives drops that it reads again the stamp that they had.

// The ledger: a drop that is offered with `tells_ledger` ends in reported, in
// suppressed{event_budget} (no room: all that could make place is itself waiting to be told) or in
// lost{refused, unflushed}. Waiting has no limit in time: counts merge, so it costs nothing, and an
// API server that was away for hours still hears of every packet.
class EventBook {
 public:
  EventBook(EventBookOptions options, Metrics& metrics);

  // Packets of an Event that the book has, else false. So a repeat needs no words.
  bool add(std::uint64_t key, const EventCounts& counts, bool tells_ledger, SteadyTime now);
  // Packets for this subject's Event. `tells_ledger`: they are these packets' entry in the ledger;
  // false for the second Event of a drop between two Pods, which must not count them again.
  void offer(EventSubject subject, const EventCounts& counts, bool tells_ledger, SteadyTime now);

  // The next write that is due and within budget, fair between namespaces; null: none now. Each one
  // must come back through finish(). `dice` is uniform in [0, 1).
  std::optional<EventWrite> take(SteadyTime now);
  void finish(const EventWrite& write, const WriteOutcome& outcome, SteadyTime now, double dice);

  // When take() may next have something; max(): not before the next offer() or finish().
  SteadyTime next_due() const;

  // At exit: everything that waits is due, whatever the schedule and the budgets say …
  void hurry(SteadyTime now);
  // … and what is not written in the end is suppressed{kept} where a next process will tell it,
  // else lost{unflushed}. Call last. Returns the packets.
  std::uint64_t give_up(bool is_kept);

  // For a next process.
  void save(const ClockPair& clocks, SavedState& out) const;
  // At the start: goes on with these counts. `exact`: every drop after the cut will be read again;
  // else what the Events hold by now is taken for others' packets.
  void restore(const SavedState& saved, bool exact, const ClockPair& clocks);

  std::size_t size() const { return entries_.size(); }
  // Events with something to tell, those being written included.
  std::size_t waiting() const { return entries_.size() - idle_.size(); }

 private:
  struct Entry {
    std::shared_ptr<const EventSubject> subject;
    EventRecord record;
    std::uint64_t ledger_waiting = 0;    // what the ledger still has to hear of
    std::uint64_t ledger_in_flight = 0;  // of that, what the write under way carries
    SteadyTime not_before{};             // the schedule's, the backoff's or the refusal's word
    std::chrono::milliseconds interval{0};
    unsigned attempt = 0;
    bool refused = false;
    EventBudget::Cost paid{0};  // for the write under way
    SteadyTime idle_since{};
    std::list<std::uint64_t>::iterator idle;  // idle_.end(): it has something to tell
  };

  // A namespace in which the last write was refused.
  struct Refusal {
    SteadyTime since{};
    SteadyTime until{};  // nothing is written before
    unsigned attempt = 0;
    bool final = false;  // what comes is not even kept
  };

  Entry* admit(EventSubject& subject, SystemTime first, SteadyTime now);
  std::string stamp(SystemTime first) const;
  void show_budget();
  void count(Entry& entry, const EventCounts& counts, std::uint64_t ledger, SteadyTime now);
  void forget_quiet(SteadyTime now);
  void wake(Entry& entry, SteadyTime now);
  void settle(Entry& entry, SteadyTime now);
  void written(Entry& entry, const EventWrite& write, SteadyTime now, double dice);
  void put_off(Entry& entry, SteadyTime now, double dice);
  void retry(Entry& entry, const WriteOutcome& outcome, SteadyTime now, double dice);
  void refuse(Entry& entry, SteadyTime now);
  void forbid(Entry& entry, SteadyTime now, double dice);
  bool refuses(const std::string& ns, SteadyTime now) const;
  Refusal* refusal_of(const std::string& ns, SteadyTime now);
  void refuse_namespace(const std::string& ns, SteadyTime now);

  EventBookOptions options_;
  Metrics& metrics_;
  std::optional<EventBudget> budget_;
  std::unordered_map<std::uint64_t, Entry> entries_;  // by EventSubject::key
  std::list<std::uint64_t> idle_;                     // nothing to tell; the longest quiet first
  FairQueue queue_;                                   // something to tell, not being written
  std::unordered_map<std::string, std::size_t> waiting_of_pod_;  // by uid, none 0
  std::unordered_map<std::string, Refusal> refusals_;            // by namespace
  std::uint64_t forgotten_ = 0;                                  // of this run, for lack of room
  SteadyTime paused_until_{};  // the server does not answer, or asked to be left alone
  unsigned failures_ = 0;      // pauses in a row
  bool hurrying_ = false;
};

}  // namespace kube_nflog
