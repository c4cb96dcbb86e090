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

constexpr std::size_t at(Fold fold) { return static_cast<std::size_t>(fold); }

// What a key of this fold has of a flow.
constexpr bool has_source(Fold fold) { return fold == Fold::kFlow || fold == Fold::kDestinations; }
constexpr bool has_destination(Fold fold) { return fold != Fold::kDestinations; }
constexpr bool has_detail(Fold fold) { return fold == Fold::kFlow || fold == Fold::kSources; }

bool same_detail(const DropKey& a, const DropKey& b) {
  return a.detail == b.detail && a.detail_kind == b.detail_kind && a.service == b.service;
}

// The key is compared as bytes; in whole words, for a call to memcmp costs more.
bool same(const DropKey& a, const DropKey& b) {
  using Words = std::array<std::uint64_t, sizeof(DropKey) / 8>;
  const Words x = std::bit_cast<Words>(a), y = std::bit_cast<Words>(b);
  std::uint64_t differing = 0;
  for (std::size_t i = 0; i < x.size(); ++i) differing |= x[i] ^ y[i];
  return differing == 0;
}

// Whether `entry`, a key of some fold, is that of `flow` in this one.
bool stands_for(const DropKey& entry, const DropKey& flow, Fold fold) {
  if (fold == Fold::kFlow) return same(entry, flow);
  return entry.fold == fold && entry.protocol == flow.protocol && entry.cause == flow.cause &&
         (has_destination(fold) ? entry.dst == flow.dst : entry.src == flow.src) &&
         (!has_detail(fold) || same_detail(entry, flow));
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
  options_.capacity = std::max(options_.capacity, 64U);
  std::size_t most = 0;
  for (std::size_t fold = 0; fold < kFolds; ++fold) most += room(static_cast<Fold>(fold));
  slots_ = LazyArray<Slot>(std::bit_ceil(most + most / 2));
  entries_.reserve(most);  // address space only: pages are touched as keys come
  bucket_heads_.assign(options_.buckets, kNone);
  std::uint64_t state = options_.seed;
  for (std::uint64_t& secret : secrets_) secret = next_secret(state);
}

// Of the flow's key in this fold. NH of UMAC (RFC 4418): its products do not wait for each other,
// and without the secrets nobody can choose keys that collide.
std::uint32_t Dedupe::hash(const DropKey& flow, Fold fold) const {
  const auto product = [](std::uint64_t a, std::uint64_t b) { return static_cast<Wide>(a) * b; };
  const auto part = [](auto value, int shift) {
    return static_cast<std::uint64_t>(value) << shift;
  };
  std::uint64_t rest = part(flow.protocol, 24) | part(fold, 48);
  Wide sum = 0;
  if (has_destination(fold)) {
    const auto [dst0, dst1] = flow.dst.words();
    rest |= part(flow.dst.family(), 40);
    sum += product(dst0 + secrets_[2], dst1 + secrets_[3]);
  }
  if (has_source(fold)) {
    const auto [src0, src1] = flow.src.words();
    rest |= part(flow.src.family(), 32);
    sum += product(src0 + secrets_[0], src1 + secrets_[1]);
  }
  if (has_detail(fold)) {
    rest |= part(flow.detail, 0) | part(flow.detail_kind, 16);
    sum += product(std::bit_cast<std::uint64_t>(flow.service) + secrets_[6], secrets_[7]);
  }
  sum += product(rest + secrets_[4], std::bit_cast<std::uint64_t>(flow.cause) + secrets_[5]);
  const auto half = static_cast<std::uint64_t>(sum) ^ static_cast<std::uint64_t>(sum >> 64);
  return static_cast<std::uint32_t>(half ^ half >> 32);
}

// Which share the flow's source has.
std::uint16_t Dedupe::maker_of(const DropKey& flow) const {
  const auto [src0, src1] = flow.src.words();
  const Wide product = static_cast<Wide>(src0 + secrets_[8]) * (src1 + secrets_[9]);
  const auto half = static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  return static_cast<std::uint16_t>((half ^ half >> 32) % kShares);
}

// The entry of the flow's key in this fold, or kNone and the slot where it belongs.
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
      return options_.capacity / 16;
    case Fold::kDestinations:
      break;
  }
  return options_.capacity / 64;
}

// For one more key that this source makes.
bool Dedupe::has_room(Fold fold, std::uint16_t maker) const {
  const std::uint32_t all = room(fold), taken = live_[at(fold)];
  if (taken < all / 4) return true;
  return taken < all && shares_[maker][at(fold)] < std::max(all / 16, 1U);
}

// The flow's own entry, else the one it folds into, else kNone. Look-ups: one for a known flow, two
// for one that a closed port or a full table folds, three for a new one, four where a source has
// had its share of destinations.
std::uint32_t Dedupe::entry_for(const DropKey& flow, std::uint32_t flow_hash) {
  std::size_t slot = 0;
  if (const std::uint32_t known = find(flow, Fold::kFlow, flow_hash, slot); known != kNone)
    return known;

  std::size_t port_slot = 0;
  const std::uint32_t port_hash = hash(flow, Fold::kSources);
  std::uint32_t port = find(flow, Fold::kSources, port_hash, port_slot);
  const std::uint16_t maker = maker_of(flow);
  const bool no_flow = !has_room(Fold::kFlow, maker);
  if (port != kNone && (no_flow || entries_[port].closed)) return port;

  const std::uint32_t destination = find_or_insert(flow, Fold::kPorts, maker);
  if (destination == kNone)  // its port may have outlived it
    return port != kNone ? port : find_or_insert(flow, Fold::kDestinations, maker);
  if (port == kNone) {
    if (entries_[destination].children >= options_.ports || !has_room(Fold::kSources, maker))
      return destination;
    ++entries_[destination].children;
    find(flow, Fold::kSources, port_hash, port_slot);  // anew: the destination may have taken it
    port = insert(flow, Fold::kSources, maker, port_hash, port_slot);
  }
  if (no_flow) return port;
  Entry& above = entries_[port];
  above.closed =
      above.children >= options_.sources || entries_[destination].flows >= room(Fold::kFlow) / 8;
  if (above.closed) return port;
  ++above.children;
  ++entries_[destination].flows;
  find(flow, Fold::kFlow, flow_hash, slot);  // anew, likewise
  return insert(flow, Fold::kFlow, maker, flow_hash, slot);
}

// kNone: there is no room for one more.
std::uint32_t Dedupe::find_or_insert(const DropKey& flow, Fold fold, std::uint16_t maker) {
  std::size_t slot = 0;
  const std::uint32_t h = hash(flow, fold);
  const std::uint32_t known = find(flow, fold, h, slot);
  if (known != kNone) return known;
  return has_room(fold, maker) ? insert(flow, fold, maker, h, slot) : kNone;
}

std::uint32_t Dedupe::insert(const DropKey& flow, Fold fold, std::uint16_t maker,
                             std::uint32_t hash, std::size_t slot) {
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
  entry.key = flow;
  entry.key.fold = fold;
  entry.maker = maker;
  entry.next = bucket_heads_[current_];
  bucket_heads_[current_] = index;
  slots_[slot] = {index + 1, hash};
  ++live_[at(fold)];
  ++shares_[maker][at(fold)];
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
  --live_[at(key.fold)];
  --shares_[entries_[index].maker][at(key.fold)];
  entries_[index].next = free_;
  free_ = index;
}

// With what the fold leaves out, where it is the same of all these packets.
bool Dedupe::hand_out(Entry& entry, BoundedQueue<DropSummary>& out) {
  DropSummary summary{entry.key, entry.pending, entry.first, entry.last, {}, entry.interfaces};
  DropKey& key = summary.key;
  if (!entry.one_detail) {
    key.detail = 0;
    key.detail_kind = Detail::kNone;
    key.service = nullptr;
  }
  if (key.fold == Fold::kPorts && entry.one_detail) key.fold = Fold::kSources;
  if (entry.one_peer)
    key.fold = Fold::kFlow;
  else
    summary.example = std::exchange(has_source(key.fold) ? key.dst : key.src, IpAddr());
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
  const Fold fold = entry.key.fold;
  if (entry.pending++ == 0) {
    entry.first = entry.last = drop.time;
    entry.interfaces = drop.interfaces;
    if (fold != Fold::kFlow) {
      entry.key = drop.key;
      entry.key.fold = fold;
      entry.one_peer = entry.one_detail = true;
    }
  }
  entry.first = std::min(entry.first, drop.time);
  entry.last = std::max(entry.last, drop.time);
  if (fold != Fold::kFlow) {
    const bool by_source = has_source(fold);
    entry.one_peer = entry.one_peer &&
                     (by_source ? entry.key.dst == drop.key.dst : entry.key.src == drop.key.src);
    entry.one_detail = entry.one_detail && same_detail(entry.key, drop.key);
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
  if (live_ == Share{}) {
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
