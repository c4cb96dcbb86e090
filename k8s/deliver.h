// SPDX-License-Identifier: Apache-2.0
// Deliver: the body of thread 2. Drains the queue, has each drop located and described, offers it
// to the book, and has the writer write what is due. Built by main().
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <vector>

#include "core/bounded_queue.h"
#include "core/clock.h"
#include "core/drop.h"
#include "core/error.h"
#include "core/heartbeat.h"
#include "core/metrics.h"
#include "k8s/event_book.h"
#include "k8s/event_writer.h"
#include "k8s/locator.h"
#include "k8s/peer_fold.h"
#include "k8s/peer_name.h"
#include "k8s/pod_feed.h"
#include "k8s/pod_index.h"
#include "k8s/poller.h"
#include "k8s/saved_state.h"
#include "k8s/state_keeper.h"

namespace kube_nflog {

struct DeliverOptions {
  PeerStyle style = PeerNaming::By::kWorkload;
  PeerFoldOptions peers{};
  LocatorOptions locating{};
  // While the Pods are not known yet, drops wait in the queue; older ones are lost{expired}.
  std::chrono::seconds expiry{600};
  // What SIGTERM may still cost; the rest is lost{unflushed}.
  std::size_t flush_writes = 64;
  std::chrono::milliseconds flush_time{5'000};
};

// All owned by the caller, all used on the deliver thread alone but for `queue` (its consumer side
// is ours), `metrics` and poller.wake(). They outlive this.
struct DeliverParts {
  BoundedQueue<DropSummary>& queue;
  PodIndex& pods;
  PodFeed* feed = nullptr;  // null: the index is complete (--pods=FILE)
  Lookups lookups{};        // for addresses that are not in the index
  EventBook& book;
  EventWriter& writer;
  Poller& poller;
  Metrics& metrics;
  StateKeeper* keeper = nullptr;                   // null: nothing is kept for a next process
  std::function<double()> dice;                    // uniform in [0, 1)
  std::function<SteadyTime()> clock = steady_now;  // tests bring their own
};

class Deliver {
 public:
  Deliver(DeliverOptions options, DeliverParts parts);

  // Until stop(); then flushes. An error is the writer's and is final.
  Result<> run();
  // From any thread.
  void wake() { parts_.poller.wake(); }
  void stop();

  // One round, for run() and for tests: everything that can be done now without waiting.
  Result<> step();
  // At the end of run(), and for tests: the last writes; the rest is counted as lost.
  Result<> flush();
  // Before the first round: goes on where an earlier process was; see EventBook::restore().
  void restore(SavedState saved, bool exact);
  // Has the keeper keep everything that it knows at this moment.
  void save(SteadyTime now);
  const Heartbeat& heartbeat() const { return heartbeat_; }
  // Whether the Pods were listed once. From any thread; for /readyz.
  bool synced() const { return synced_.load(std::memory_order_relaxed); }

 private:
  SteadyTime next_due() const;
  void drain(SteadyTime now);
  void take(const DropSummary& drop, SteadyTime now);
  void located(const DropSummary& drop, const Ends& ends, Locator::Told told);
  void take_restored(SteadyTime now);
  SavedState state() const;
  struct Side;
  void count(const DropSummary& drop, const Side& side);
  void tell(const DropSummary& drop, const Side& side, const PeerFold::Place& place,
            SteadyTime now);
  Result<> write(std::size_t& left);
  void take_leftovers();
  void give_up();
  void sleep_until(SteadyTime due);

  DeliverOptions options_;
  DeliverParts parts_;
  PeerFold peers_;
  Locator locator_;
  std::size_t in_flight_ = 0;
  bool backlog_ = true;              // what waited for the first list of Pods
  std::vector<SavedDrop> restored_;  // until the Pods are known
  SteadyTime began_{};  // nothing has waited longer, whatever the wall clock was set to meanwhile
  SteadyTime pods_expired_at_{};
  Heartbeat heartbeat_;
  std::atomic<bool> synced_{false};
  std::atomic<bool> stop_{false};
};

}  // namespace kube_nflog
