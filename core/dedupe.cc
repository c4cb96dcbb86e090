// SPDX-License-Identifier: Apache-2.0
#include "core/dedupe.h"

#include <algorithm>
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

// What a flow folds into when the set is full: its source is no longer told apart.
DropKey without_source(DropKey key) {
  key.src = IpAddr();
  return key;
}

std::uint32_t spare(std::uint32_t capacity) { return std::max(capacity / 4, 1U); }

}  // namespace

Dedupe::Dedupe(const DedupeOptions& options) : options_(options) {
  options_.buckets = std::max(options_.buckets, 1U);
  options_.capacity = std::max(options_.capacity, 1U);
  const std::size_t most = std::size_t{options_.capacity} + spare(options_.capacity);
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

std::uint32_t Dedupe::insert(const DropKey& key, std::uint32_t hash, std::size_t slot,
                             bool folded) {
  std::uint32_t index = free_;
  if (index != kNone) {
    free_ = entries_[index].next;
  } else {
    index = static_cast<std::uint32_t>(entries_.size());
    entries_.emplace_back();
  }
  Entry& entry = entries_[index];
  entry = Entry{};
  entry.key = key;
  entry.folded = folded;
  entry.next = bucket_heads_[current_];
  bucket_heads_[current_] = index;
  slots_[slot] = {index, hash};
  ++(folded ? live_folded_ : live_);
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
  --(entries_[index].folded ? live_folded_ : live_);
  entries_[index].next = free_;
  free_ = index;
}

bool Dedupe::hand_out(Entry& entry, BoundedQueue<DropSummary>& out) {
  if (!out.push({entry.key, entry.pending, entry.first, entry.last})) return false;
  entry.pending = 0;
  entry.announced = true;
  return true;
}

bool Dedupe::add(const Drop& drop, SteadyTime now, BoundedQueue<DropSummary>& out) {
  if (next_edge_ == SteadyTime{}) next_edge_ = now + options_.window / options_.buckets;
  std::size_t slot = 0;
  const std::uint32_t h = hash(drop.key);
  std::uint32_t index = find(drop.key, h, slot);
  if (index == kNone && live_ < options_.capacity) {
    index = insert(drop.key, h, slot, false);
  } else if (index == kNone) {
    const DropKey key = without_source(drop.key);
    const std::uint32_t folded = hash(key);
    index = find(key, folded, slot);
    if (index == kNone) {
      if (live_folded_ >= spare(options_.capacity)) return false;
      index = insert(key, folded, slot, true);
    }
  }
  Entry& entry = entries_[index];
  if (entry.pending++ == 0) entry.first = entry.last = drop.time;
  entry.first = std::min(entry.first, drop.time);
  entry.last = std::max(entry.last, drop.time);
  if (!entry.announced) hand_out(entry, out);
  return true;
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
  if (live_ + live_folded_ == 0) {
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
