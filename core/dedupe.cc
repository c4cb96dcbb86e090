// SPDX-License-Identifier: Apache-2.0
#include "core/dedupe.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

namespace kube_nflog {
namespace {

// Multiply-and-fold, the mixing step of wyhash: every bit of both inputs reaches every bit of the
// result.
std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

DropKey folded(DropKey key, Fold fold) {
  key.fold = fold;
  key.src = IpAddr();
  if (fold == Fold::kPorts) {
    key.detail = 0;
    key.detail_kind = Detail::kNone;
    key.service = nullptr;
  }
  return key;
}

}  // namespace

Dedupe::Dedupe(const DedupeOptions& options) : options_(options) {
  options_.buckets = std::max(options_.buckets, 1U);
  options_.capacity = std::max(options_.capacity, 16U);
  const std::size_t most =
      std::size_t{options_.capacity} + options_.capacity / 4 + options_.capacity / 16;
  slots_.resize(std::bit_ceil(most + most / 2));
  entries_.reserve(most);  // address space only: pages are touched as keys come
  bucket_heads_.assign(options_.buckets, kNone);
}

std::uint32_t Dedupe::hash(const DropKey& key) const {
  std::uint64_t words[sizeof key / 8];
  std::memcpy(words, &key, sizeof key);
  std::uint64_t h = options_.seed ^ 0x9e3779b97f4a7c15U;
  for (const std::uint64_t word : words) h = mix(h ^ word, 0xa0761d6478bd642fU ^ options_.seed);
  return static_cast<std::uint32_t>(mix(h, 0xe7037ed1a0b428dbU));
}

// The entry with this key, or kNone and the slot where it belongs.
std::uint32_t Dedupe::find(const DropKey& key, std::uint32_t hash, std::size_t& slot) const {
  const std::size_t mask = slots_.size() - 1;
  for (slot = hash & mask; slots_[slot].index != kNone; slot = (slot + 1) & mask) {
    const Slot& taken = slots_[slot];
    if (taken.hash == hash && entries_[taken.index].key == key) return taken.index;
  }
  return kNone;
}

std::uint32_t Dedupe::room(const DropKey& key) const {
  switch (key.fold) {
    case Fold::kFlow:
      return options_.capacity;
    case Fold::kSources:
      return options_.capacity / 4;
    case Fold::kPorts:
      break;
  }
  return options_.capacity / 16;
}

// The flow's own entry, else the one it folds into, else kNone. Look-ups: one for a known flow, two
// for one that a full port or a full table folds, three for a new one.
std::uint32_t Dedupe::entry_for(const DropKey& key, std::uint32_t h) {
  std::size_t slot = 0;
  if (const std::uint32_t known = find(key, h, slot); known != kNone) return known;

  const DropKey port_key = folded(key, Fold::kSources);
  std::size_t port_slot = 0;
  const std::uint32_t port_hash = hash(port_key);
  std::uint32_t port = find(port_key, port_hash, port_slot);
  const bool no_flow = live(key) >= room(key);
  if (port != kNone && (no_flow || entries_[port].children >= options_.sources)) return port;

  const std::uint32_t destination = find_or_insert(folded(key, Fold::kPorts));
  if (destination == kNone) return kNone;
  if (port == kNone) {
    if (entries_[destination].children >= options_.ports || live(port_key) >= room(port_key))
      return destination;
    ++entries_[destination].children;
    find(port_key, port_hash, port_slot);  // anew: the destination may have taken its place
    port = insert(port_key, port_hash, port_slot);
  }
  if (no_flow || entries_[destination].flows >= room(key) / 8) return port;
  ++entries_[port].children;
  ++entries_[destination].flows;
  find(key, h, slot);  // anew, likewise
  return insert(key, h, slot);
}

std::uint32_t Dedupe::find_or_insert(const DropKey& key) {
  std::size_t slot = 0;
  const std::uint32_t h = hash(key);
  const std::uint32_t known = find(key, h, slot);
  if (known != kNone) return known;
  return live(key) < room(key) ? insert(key, h, slot) : kNone;
}

std::uint32_t Dedupe::insert(const DropKey& key, std::uint32_t hash, std::size_t slot) {
  std::uint32_t index = free_;
  if (index != kNone) {
    free_ = entries_[index].next;
  } else {
    index = static_cast<std::uint32_t>(entries_.size());
    entries_.emplace_back();
  }
  Entry& entry = entries_[index];
  const Entry old = std::exchange(entry, Entry{});
  entry.again = old.again;  // a place may still be in that list when it changes hands
  entry.next_again = old.next_again;
  entry.key = key;
  entry.next = bucket_heads_[current_];
  bucket_heads_[current_] = index;
  slots_[slot] = {index, hash};
  ++live(key);
  return index;
}

// Takes the key out of the table, closing the gap so that probing needs no tombstones.
void Dedupe::erase(std::uint32_t index) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t hole = 0;
  const DropKey& key = entries_[index].key;
  if (find(key, hash(key), hole) != index) return;
  for (std::size_t next = (hole + 1) & mask; slots_[next].index != kNone;
       next = (next + 1) & mask) {
    const std::size_t home = slots_[next].hash & mask;
    if (((next - home) & mask) >= ((next - hole) & mask)) {
      slots_[hole] = slots_[next];
      hole = next;
    }
  }
  slots_[hole] = Slot();
  --live(key);
  entries_[index].next = free_;
  free_ = index;
}

bool Dedupe::hand_out(Entry& entry, BoundedQueue<DropSummary>& out) {
  DropSummary summary{entry.key, entry.pending, entry.first, entry.last, entry.example};
  if (entry.key.fold == Fold::kSources && entry.one_source) {  // then nothing is lost by the fold
    summary.key.fold = Fold::kFlow;
    summary.key.src = std::exchange(summary.example, IpAddr());
  }
  if (!out.push(summary)) return false;
  entry.pending = 0;
  entry.announced = true;
  return true;
}

std::uint64_t Dedupe::add(std::span<const Drop> drops, SteadyTime now,
                          BoundedQueue<DropSummary>& out) {
  if (next_edge_ == SteadyTime{} && !drops.empty())
    next_edge_ = now + options_.window / options_.buckets;
  // The table is larger than the caches: the memory of some packets is asked for ahead of its use.
  constexpr std::size_t kAhead = 32;
  std::array<std::uint32_t, kAhead> hashes;
  const std::size_t mask = slots_.size() - 1;
  std::uint64_t refused = 0;
  while (!drops.empty()) {
    const std::span<const Drop> some = drops.first(std::min(drops.size(), kAhead));
    drops = drops.subspan(some.size());
    for (std::size_t i = 0; i < some.size(); ++i) {
      hashes[i] = hash(some[i].key);
      __builtin_prefetch(&slots_[hashes[i] & mask]);
    }
    for (std::size_t i = 0; i < some.size(); ++i) {
      const std::uint32_t index = slots_[hashes[i] & mask].index;
      if (index != kNone) __builtin_prefetch(&entries_[index]);
    }
    for (std::size_t i = 0; i < some.size(); ++i)
      if (!add_one(some[i], hashes[i], out)) ++refused;
  }
  return refused;
}

bool Dedupe::add_one(const Drop& drop, std::uint32_t hash, BoundedQueue<DropSummary>& out) {
  const std::uint32_t index = entry_for(drop.key, hash);
  if (index == kNone) return false;
  Entry& entry = entries_[index];
  if (entry.pending++ == 0) entry.first = entry.last = drop.time;
  entry.first = std::min(entry.first, drop.time);
  entry.last = std::max(entry.last, drop.time);
  if (entry.key.fold != Fold::kFlow) {
    if (entry.example.empty()) entry.example = drop.key.src;
    entry.one_source = entry.one_source && entry.example == drop.key.src;
  }
  if (entry.announced || entry.again) return true;
  if (again_head_ == kNone && hand_out(entry, out)) return true;
  entry.again = true;
  entry.next_again = kNone;
  (again_head_ == kNone ? again_head_ : entries_[again_tail_].next_again) = index;
  again_tail_ = index;
  return true;
}

void Dedupe::offer_again(BoundedQueue<DropSummary>& out) {
  while (again_head_ != kNone) {
    Entry& entry = entries_[again_head_];
    if (entry.pending > 0 && !hand_out(entry, out)) return;
    entry.again = false;
    again_head_ = std::exchange(entry.next_again, kNone);
  }
}

void Dedupe::turn(SteadyTime now, BoundedQueue<DropSummary>& out) {
  if (next_edge_ == SteadyTime{} || now < next_edge_) return;
  // The next bucket to be filled is the oldest: its keys have lived for the whole window.
  current_ = (current_ + 1) % bucket_heads_.size();
  std::uint32_t index = std::exchange(bucket_heads_[current_], kNone);
  while (index != kNone) {
    Entry& entry = entries_[index];
    const std::uint32_t next = entry.next;
    if (entry.pending == 0 || hand_out(entry, out)) {
      erase(index);
    } else {  // the queue is full: the key stays for another window, with its count
      entry.next = bucket_heads_[current_];
      bucket_heads_[current_] = index;
    }
    index = next;
  }
  flush(out);
  if (live_[0] + live_[1] + live_[2] == 0) {
    next_edge_ = {};  // nothing to turn: an idle node sleeps
    return;
  }
  // After a long sleep the edges missed are skipped: keys then live a little longer, counts are
  // exact.
  const auto width = options_.window / options_.buckets;
  next_edge_ = next_edge_ + width > now ? next_edge_ + width : now + width;
}

std::uint64_t Dedupe::flush(BoundedQueue<DropSummary>& out) {
  std::uint64_t refused = 0;
  for (const std::uint32_t head : bucket_heads_)
    for (std::uint32_t index = head; index != kNone; index = entries_[index].next)
      if (entries_[index].pending > 0 && !hand_out(entries_[index], out))
        refused += entries_[index].pending;
  return refused;
}

}  // namespace kube_nflog
