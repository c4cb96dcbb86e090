// SPDX-License-Identifier: Apache-2.0
// Dedupe: the time-bucketed hash set. Answers "is this a repeat?", counts what it folds, and hands
// out the counts at bucket edges. Owned by the ingest thread; not thread-safe by design.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/bounded_queue.h"
#include "core/clock.h"
#include "core/drop.h"

namespace kube_nflog {

struct DedupeOptions {
  std::chrono::milliseconds window{120'000};
  unsigned buckets = 8;             // the window is this many buckets long
  std::uint32_t capacity = 65'536;  // keys; a quarter as many again stand by for the overflow fold
  std::uint64_t seed = 0;  // random in production: an attacker must not choose our collisions
};

// A key lives for one window from its first packet, in the bucket of that moment. Its first packet
// goes out at once; repeats only count, and their counts go out at every bucket edge; when its
// bucket falls off the ring, the key is forgotten and the next packet is news again.
//
// Push first, commit after: a summary that the queue refuses stays here and is offered again, with
// the next packet or at the next edge, so a full queue delays counts and loses none.
//
// When all `capacity` keys are taken, a new flow folds into (destination, protocol, detail) and one
// of its sources stands for all; when that is full too, the packet is refused and the caller counts
// it.
class Dedupe {
 public:
  explicit Dedupe(const DedupeOptions& options);

  // Counts one packet. False: no room anywhere, the packet is not accounted for here.
  bool add(const Drop& drop, SteadyTime now, BoundedQueue<DropSummary>& out);

  // When turn() is next due; SteadyTime{}: there is nothing to turn.
  SteadyTime next_edge() const { return next_edge_; }
  // Hands out the pending counts and forgets the keys whose window is over. Bounded by the
  // capacity.
  void turn(SteadyTime now, BoundedQueue<DropSummary>& out);

  // At exit: hands out whatever is pending. Returns the packets that the queue refused.
  std::uint64_t flush(BoundedQueue<DropSummary>& out);

  std::size_t size() const { return live_; }

 private:
  struct Entry {
    DropKey key;
    std::uint64_t pending = 0;   // packets not yet handed out
    SystemTime first{}, last{};  // of those
    std::uint32_t next = kNone;  // in its bucket, or in the free list
    bool announced = false;      // the first summary was taken
    bool folded = false;         // stands for many sources
  };
  static constexpr std::uint32_t kNone = UINT32_MAX;

  struct Slot {
    std::uint32_t index = kNone;  // of the entry; kNone = empty
    std::uint32_t hash = 0;       // so that a probe need not look at the entries of others
  };

  std::uint32_t find(const DropKey& key, std::uint32_t hash, std::size_t& slot) const;
  std::uint32_t insert(const DropKey& key, std::uint32_t hash, std::size_t slot, bool folded);
  void erase(std::uint32_t index);
  std::uint32_t hash(const DropKey& key) const;
  static bool hand_out(Entry& entry, BoundedQueue<DropSummary>& out);

  DedupeOptions options_;
  SteadyTime next_edge_{};
  std::vector<Slot> slots_;     // open addressing, linear probing
  std::vector<Entry> entries_;  // grows to the capacity, then no further
  std::uint32_t free_ = kNone;
  std::vector<std::uint32_t> bucket_heads_;  // ring; [current_] takes new keys
  std::size_t current_ = 0;
  std::uint32_t live_ = 0;
  std::uint32_t live_folded_ = 0;
};

}  // namespace kube_nflog
