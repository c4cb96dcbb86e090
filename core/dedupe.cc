// SPDX-License-Identifier: Apache-2.0
#include "core/dedupe.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

namespace kube_nflog {
namespace {

__extension__ using Wide = unsigned __int128;

DropKey folded(DropKey key, Fold fold) {
  key.fold = fold;
  if (fold != Fold::kFlow) key.src = IpAddr();
  if (fold == Fold::kPorts) {
    key.detail = 0;
    key.detail_kind = Detail::kNone;
    key.service = nullptr;
  }
  return key;
}

// The key is compared as bytes; in whole words, for a call to memcmp costs more.
bool same(const DropKey& a, const DropKey& b) {
  using Words = std::array<std::uint64_t, sizeof(DropKey) / 8>;
  const Words x = std::bit_cast<Words>(a), y = std::bit_cast<Words>(b);
  std::uint64_t differing = 0;
  for (std::size_t i = 0; i < x.size(); ++i) differing |= x[i] ^ y[i];
  return differing == 0;
}

// Whether `entry` is what `flow` folds into, that is `entry == folded(flow, fold)`. Without the
// copy, which is as dear as all the rest of a look-up.
bool stands_for(const DropKey& entry, const DropKey& flow, Fold fold) {
  if (fold == Fold::kFlow) return same(entry, flow);
  if (entry.fold != fold || entry.dst != flow.dst || entry.protocol != flow.protocol ||
      entry.cause != flow.cause)
    return false;
  return fold == Fold::kPorts ||
         (entry.detail == flow.detail && entry.detail_kind == flow.detail_kind &&
          entry.service == flow.service);
}

// SplitMix64: spreads one seed over many secrets.
std::uint64_t next_secret(std::uint64_t& state) {
  std::uint64_t z = state += 0x9e3779b97f4a7c15U;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
  z = (z ^ z >> 27) * 0x94d049bb133111ebU;
  return z ^ z >> 31;
}

}  // namespace

Dedupe::Dedupe(const DedupeOptions& options) : options_(options) {
  options_.buckets = std::max(options_.buckets, 1U);
  options_.capacity = std::max(options_.capacity, 16U);
  const std::size_t most =
      std::size_t{options_.capacity} + options_.capacity / 4 + options_.capacity / 16;
  slots_ = LazyArray<Slot>(std::bit_ceil(most + most / 2));
  entries_.reserve(most);  // address space only: pages are touched as keys come
  bucket_heads_.assign(options_.buckets, kNone);
  std::uint64_t state = options_.seed;
  for (std::uint64_t& secret : secrets_) secret = next_secret(state);
}

// Of folded(flow, fold). NH of UMAC (RFC 4418): its products do not wait for each other, and
// without the secrets nobody can choose keys that collide.
std::uint32_t Dedupe::hash(const DropKey& flow, Fold fold) const {
  const auto product = [](std::uint64_t a, std::uint64_t b) { return static_cast<Wide>(a) * b; };
  const auto at = [](auto value, int shift) { return static_cast<std::uint64_t>(value) << shift; };
  const auto [dst0, dst1] = flow.dst.words();
  std::uint64_t rest = at(flow.protocol, 24) | at(flow.dst.family(), 40) | at(fold, 48);
  Wide sum = product(dst0 + secrets_[2], dst1 + secrets_[3]);
  if (fold == Fold::kFlow) {
    const auto [src0, src1] = flow.src.words();
    rest |= at(flow.src.family(), 32);
    sum += product(src0 + secrets_[0], src1 + secrets_[1]);
  }
  if (fold != Fold::kPorts) {
    rest |= at(flow.detail, 0) | at(flow.detail_kind, 16);
    sum += product(std::bit_cast<std::uint64_t>(flow.service) + secrets_[6], secrets_[7]);
  }
  sum += product(rest + secrets_[4], std::bit_cast<std::uint64_t>(flow.cause) + secrets_[5]);
  const auto half = static_cast<std::uint64_t>(sum) ^ static_cast<std::uint64_t>(sum >> 64);
  return static_cast<std::uint32_t>(half ^ half >> 32);
}

// The entry of folded(flow, fold), or kNone and the slot where it belongs.
std::uint32_t Dedupe::find(const DropKey& flow, Fold fold, std::uint32_t hash,
                           std::size_t& slot) const {
  const std::size_t mask = slots_.size() - 1;
  for (slot = hash & mask; slots_[slot].index() != kNone; slot = (slot + 1) & mask) {
    const Slot& taken = slots_[slot];
    if (taken.hash == hash && stands_for(entries_[taken.index()].key, flow, fold))
      return taken.index();
  }
  return kNone;
}

// How many keys of a kind there may be.
std::uint32_t Dedupe::room(Fold fold) const {
  switch (fold) {
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
// for one that a closed port or a full table folds, three for a new one.
std::uint32_t Dedupe::entry_for(const DropKey& flow, std::uint32_t flow_hash) {
  std::size_t slot = 0;
  if (const std::uint32_t known = find(flow, Fold::kFlow, flow_hash, slot); known != kNone)
    return known;

  std::size_t port_slot = 0;
  const std::uint32_t port_hash = hash(flow, Fold::kSources);
  std::uint32_t port = find(flow, Fold::kSources, port_hash, port_slot);
  const bool no_flow = live(Fold::kFlow) >= room(Fold::kFlow);
  if (port != kNone && (no_flow || entries_[port].closed)) return port;

  const std::uint32_t destination = destination_of(flow);
  if (destination == kNone) return port;  // which may have outlived its own
  if (port == kNone) {
    if (entries_[destination].children >= options_.ports ||
        live(Fold::kSources) >= room(Fold::kSources))
      return destination;
    ++entries_[destination].children;
    find(flow, Fold::kSources, port_hash, port_slot);  // anew: the destination may have taken it
    port = insert(folded(flow, Fold::kSources), port_hash, port_slot);
  }
  if (no_flow) return port;
  Entry& above = entries_[port];
  above.closed =
      above.children >= options_.sources || entries_[destination].flows >= room(Fold::kFlow) / 8;
  if (above.closed) return port;
  ++above.children;
  ++entries_[destination].flows;
  find(flow, Fold::kFlow, flow_hash, slot);  // anew, likewise
  return insert(flow, flow_hash, slot);
}

// Found or made; kNone: there is no room for one more.
std::uint32_t Dedupe::destination_of(const DropKey& flow) {
  std::size_t slot = 0;
  const std::uint32_t h = hash(flow, Fold::kPorts);
  const std::uint32_t known = find(flow, Fold::kPorts, h, slot);
  if (known != kNone) return known;
  if (live(Fold::kPorts) >= room(Fold::kPorts)) return kNone;
  return insert(folded(flow, Fold::kPorts), h, slot);
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
  slots_[slot] = {index + 1, hash};
  ++live(key.fold);
  return index;
}

// Takes the key out of the table, closing the gap so that probing needs no tombstones.
void Dedupe::erase(std::uint32_t index) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t hole = 0;
  const DropKey& key = entries_[index].key;
  if (find(key, key.fold, hash(key, key.fold), hole) != index) return;
  for (std::size_t next = (hole + 1) & mask; slots_[next].index() != kNone;
       next = (next + 1) & mask) {
    const std::size_t home = slots_[next].hash & mask;
    if (((next - home) & mask) >= ((next - hole) & mask)) {
      slots_[hole] = slots_[next];
      hole = next;
    }
  }
  slots_[hole] = Slot();
  --live(key.fold);
  entries_[index].next = free_;
  free_ = index;
}

bool Dedupe::hand_out(Entry& entry, BoundedQueue<DropSummary>& out) {
  DropSummary summary{entry.key,  entry.pending, entry.first,
                      entry.last, entry.example, entry.interfaces};
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
      hashes[i] = hash(some[i].key, Fold::kFlow);
      __builtin_prefetch(&slots_[hashes[i] & mask]);
    }
    for (std::size_t i = 0; i < some.size(); ++i) {
      const std::uint32_t index = slots_[hashes[i] & mask].index();
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
  if (entry.pending++ == 0) {
    entry.first = entry.last = drop.time;
    entry.interfaces = drop.interfaces;
  }
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
