// SPDX-License-Identifier: Apache-2.0
// Dedupe: the time-bucketed hash set. Answers "is this a repeat?", counts what it folds, and hands
// out the counts at bucket edges. Owned by the ingest thread; not thread-safe by design.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/bounded_queue.h"
#include "core/clock.h"
#include "core/drop.h"
#include "core/lazy_array.h"

namespace kube_nflog {

struct DedupeOptions {
  std::chrono::milliseconds window{120'000};
  unsigned buckets = 8;             // the window is this many buckets long
  std::uint32_t capacity = 65'536;  // flows; 21/64 as many keys again serve to fold them
  std::uint32_t sources = 256;      // flows to one destination and port that are told apart
  std::uint32_t ports = 2'048;      // ports of one destination and protocol that are told apart
  std::uint64_t seed = 0;  // random in production: an attacker must not choose our collisions
};

// A key lives for one window from its first packet, in the bucket of that moment. Its first packet
// goes out at once; repeats only count, and their counts go out at every bucket edge; when its
// bucket falls off the ring, the key is forgotten and the next packet is news again.
//
// Push first, commit after: a summary that the queue refuses stays here and is offered again, first
// come first served, so a full queue delays counts and loses none.
//
// One flooded Pod must not take the room of others. So past `sources` flows to one destination and
// port, or when all `capacity` is taken, a new flow folds into (destination, protocol, detail);
// past `ports` of those, into (destination, protocol). Nor must one that scans: where a quarter of
// the room for one kind of key is taken, each source has a sixteenth of it, and what would be one
// more destination folds into (source, protocol). Counts stay exact. Only when there is no room for
// one more of those is the packet refused, and the caller counts it.
//
// What a fold leaves out is told all the same in a summary whose packets have it in common.
class Dedupe {
 public:
  explicit Dedupe(const DedupeOptions& options);

  // Counts packets. Returns how many had no room anywhere: those are not accounted for here.
  std::uint64_t add(std::span<const Drop> drops, SteadyTime now, BoundedQueue<DropSummary>& out);

  // Offers again what the queue refused, as far as it takes it.
  void offer_again(BoundedQueue<DropSummary>& out);
  bool has_refused() const { return again_head_ != kNone; }

  // When turn() is next due; SteadyTime{}: there is nothing to turn.
  SteadyTime next_edge() const { return next_edge_; }
  // Hands out the pending counts and forgets the keys whose window is over. Bounded by the
  // capacity.
  void turn(SteadyTime now, BoundedQueue<DropSummary>& out);

  // At exit: hands out whatever is pending. Returns the packets that the queue refused.
  std::uint64_t flush(BoundedQueue<DropSummary>& out);

  std::size_t size() const { return live_[0]; }  // flows

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  static constexpr std::size_t kFolds = 4;  // of enum Fold

  struct Entry {
    DropKey key;                       // what a fold leaves out is the first pending packet's
    std::uint64_t pending = 0;         // packets not yet handed out
    SystemTime first{}, last{};        // of those
    std::uint32_t next = kNone;        // in its bucket, or in the free list
    std::uint32_t next_again = kNone;  // in the list of those to offer again
    std::uint32_t flows = 0;           // kPorts: flows that were made under this one
    std::uint32_t children = 0;        // keys that were made under this one
    std::uint16_t maker = 0;           // of shares_: who pays for this key
    bool one_peer = true;              // of the pending packets: what `key` says is true of all
    bool one_detail = true;            // likewise
    bool closed = false;               // kSources: no flow is made under this one any more
    bool announced = false;            // the first summary was taken
    bool again = false;                // in the list of those to offer again
    // Of the first packet not yet handed out.
    const Interfaces* interfaces = nullptr;
  };
  struct Slot {
    std::uint32_t entry = 0;  // its index + 1; 0 = empty, as a LazyArray has it
    std::uint32_t hash = 0;   // so that a probe need not look at the entries of others
    std::uint32_t index() const { return entry - 1; }  // empty: kNone
  };

  // How many keys were made for packets of one source, by fold. Sources whose hashes are alike have
  // one in common: so there is always one, and they need no more room.
  using Share = std::array<std::uint32_t, kFolds>;
  static constexpr std::size_t kShares = 4'096;

  bool add_one(const Drop& drop, std::uint32_t hash, BoundedQueue<DropSummary>& out);
  std::uint32_t entry_for(const DropKey& flow, std::uint32_t flow_hash);
  std::uint32_t find(const DropKey& flow, Fold fold, std::uint32_t hash, std::size_t& slot) const;
  std::uint32_t find_or_insert(const DropKey& flow, Fold fold, std::uint16_t maker);
  std::uint32_t insert(const DropKey& flow, Fold fold, std::uint16_t maker, std::uint32_t hash,
                       std::size_t slot);
  void erase(std::uint32_t index);
  std::uint32_t hash(const DropKey& flow, Fold fold) const;
  std::uint16_t maker_of(const DropKey& flow) const;
  std::uint32_t room(Fold fold) const;
  bool has_room(Fold fold, std::uint16_t maker) const;
  static bool hand_out(Entry& entry, BoundedQueue<DropSummary>& out);

  DedupeOptions options_;
  std::array<std::uint64_t, 10> secrets_;
  SteadyTime next_edge_{};
  LazyArray<Slot> slots_;       // open addressing, linear probing
  std::vector<Entry> entries_;  // grows to the capacity, then no further
  std::uint32_t free_ = kNone;
  std::vector<std::uint32_t> bucket_heads_;  // ring; [current_] takes new keys
  std::size_t current_ = 0;
  Share live_{};  // keys, by fold
  LazyArray<Share> shares_{kShares};
  std::uint32_t again_head_ = kNone, again_tail_ = kNone;
};

}  // namespace kube_nflog
