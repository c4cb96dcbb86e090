// SPDX-License-Identifier: Apache-2.0
#include "nflog/policy_join.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <functional>
#include <string_view>

#include "nflog/kube_router.h"

namespace kube_nflog {
namespace {

using std::chrono::milliseconds;

// The kernel hands over within 10 ms of a packet's last record.
constexpr milliseconds kHold{200};
// Far longer than a packet takes through the rules.
constexpr milliseconds kTraversal{20};
// Of the payload, kept to compare; the rest is compared by size and hash. Twice what is copied.
constexpr std::size_t kHead = 512;

std::uint64_t hash_of(const Record& record) {
  const std::string_view bytes(reinterpret_cast<const char*>(record.payload.data()),
                               record.payload.size());
  return std::hash<std::string_view>()(bytes) ^ (std::uint64_t{record.group} << 8 | record.family);
}

Bytes head_of(const Record& record) {
  return record.payload.first(std::min(record.payload.size(), kHead));
}

void add_once(std::vector<const Cause*>& set, const Cause* policy) {
  if (std::find(set.begin(), set.end(), policy) == set.end()) set.push_back(policy);
}

}  // namespace

PolicyJoin::PolicyJoin(std::size_t capacity)
    : capacity_(std::max<std::size_t>(capacity, 1)), buckets_(std::bit_ceil(capacity_), kNone) {}

std::uint32_t PolicyJoin::find(const Record& record, std::uint64_t hash) const {
  const Bytes head = head_of(record);
  std::uint32_t index = buckets_[hash & (buckets_.size() - 1)];
  for (; index != kNone; index = ring_[index].next) {
    const Packet& p = ring_[index];
    if (p.hash == hash && p.size == record.payload.size() && p.group == record.group &&
        p.family == record.family && std::equal(head.begin(), head.end(), p.head.begin())) {
      break;
    }
  }
  return index;
}

PolicyJoin::Packet& PolicyJoin::begin(const Record& record, std::uint64_t hash, SystemTime time) {
  if (end_ - first_ == capacity_) {
    counts_.overflow += ring_[slot(first_)].records;
    release(slot(first_));
  }
  const std::uint32_t index = slot(end_++);
  if (index == ring_.size()) ring_.emplace_back();
  std::uint32_t& bucket = buckets_[hash & (buckets_.size() - 1)];
  Packet& p = ring_[index];
  p.hash = hash;
  p.size = record.payload.size();
  p.next = std::exchange(bucket, index);
  p.records = 0;
  p.group = record.group;
  p.family = record.family;
  p.live = true;
  p.whole = !near_loss(time);
  p.losses = losses_;
  const Bytes head = head_of(record);
  p.head.assign(head.begin(), head.end());
  p.hints.clear();
  ++live_;
  return p;
}

void PolicyJoin::release(std::uint32_t index) {
  Packet& p = ring_[index];
  std::uint32_t* link = &buckets_[p.hash & (buckets_.size() - 1)];
  while (*link != index) link = &ring_[*link].next;
  *link = p.next;
  p.live = false;
  --live_;
  if (live_ == 0) first_ = end_ = fresh_ = 0;  // so that few places serve as long as few are held
  while (first_ < end_ && !ring_[slot(first_)].live) ++first_;
  fresh_ = std::max(fresh_, first_);
}

void PolicyJoin::hint(const Record& record, const Cause* policy, SystemTime time) {
  const std::uint64_t hash = hash_of(record);
  const std::uint32_t index = find(record, hash);
  Packet& p = index == kNone ? begin(record, hash, time) : ring_[index];
  // A packet never loses the mark on its way: this is another one with the same bytes (a datagram
  // sent again), and the one before it was allowed, or its verdict was over the limit.
  if (!passed_a_chain(record) && !p.hints.empty() && p.hints.back().passed) {
    counts_.unmatched += std::exchange(p.records, 0);
    p.hints.clear();
    p.whole = !near_loss(time);
    p.losses = losses_;
  }
  // Held anew, for it may be another packet's as well. Unless it is fresh, deadline() has seen to
  // it that the last wake-up is at most one hold ago.
  p.deadline = settled_ + 2 * kHold;
  ++p.records;
  if (p.hints.size() < kMaxHints) {
    p.hints.push_back({policy, passed_a_chain(record)});
  } else {
    p.whole = false;
  }
}

std::span<const Cause* const> PolicyJoin::verdict(const Record& record) {
  chosen_.clear();
  if (live_ == 0) return {};
  const std::uint32_t index = find(record, hash_of(record));
  if (index == kNone) return {};
  choose(ring_[index], record);
  counts_.joined += ring_[index].records;
  release(index);
  return chosen_;
}

void PolicyJoin::choose(const Packet& packet, const Record& record) {
  const std::vector<Hint>& hints = packet.hints;
  const auto second_walk =
      std::find_if(hints.begin(), hints.end(), [](Hint h) { return h.passed; });
  if (!passed_a_chain(record)) {
    // Marked hints without a marked verdict are another packet's: see hint().
    if (second_walk != hints.end()) return;
    for (const Hint& hint : hints) add_once(chosen_, hint.policy);
  } else if (packet.whole && packet.losses == losses_) {
    // The first chain's hints, of its walk without the mark; its second walk repeats them, where
    // there is one. What then follows is the second chain's.
    stripped_.clear();
    for (auto it = hints.begin(); it != second_walk; ++it) stripped_.push_back(it->policy);
    auto own = second_walk;
    for (; record.physoutdev != 0 && own != hints.end(); ++own) {
      const auto again = std::find(stripped_.begin(), stripped_.end(), own->policy);
      if (again == stripped_.end()) break;
      stripped_.erase(again);
    }
    for (; own != hints.end(); ++own) add_once(chosen_, own->policy);
  }
  std::erase(chosen_, nullptr);
}

bool PolicyJoin::near_loss(SystemTime time) const {
  return loss_ && time - *loss_ < kTraversal && *loss_ - time < kTraversal;
}

void PolicyJoin::lost(SystemTime time) {
  loss_ = time;
  ++losses_;
}

void PolicyJoin::settle(SteadyTime now) {
  settled_ = now;
  for (; fresh_ < end_; ++fresh_) ring_[slot(fresh_)].deadline = now + kHold;
  // In order of age, not of deadline: one that was held anew keeps younger ones a moment longer.
  while (live_ != 0 && ring_[slot(first_)].deadline <= now) {
    counts_.unmatched += ring_[slot(first_)].records;
    release(slot(first_));
  }
}

std::optional<SteadyTime> PolicyJoin::deadline() const {
  if (live_ == 0) return std::nullopt;
  return first_ < fresh_ ? ring_[slot(first_)].deadline : SteadyTime{};
}

}  // namespace kube_nflog
