// SPDX-License-Identifier: Apache-2.0
#include "k8s/peer_fold.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <utility>

#include "k8s/event_key.h"

namespace kube_nflog {
namespace {

bool before(const IpAddr& a, const IpAddr& b) {
  const std::size_t size = a.bytes().size();
  if (size != b.bytes().size()) return size < b.bytes().size();
  return std::memcmp(a.bytes().data(), b.bytes().data(), size) < 0;
}

}  // namespace

std::size_t PeerFold::KeyHash::operator()(const Key& key) const {
  std::uint64_t h = key.pod;
  const auto add = [&h](std::uint64_t word) {
    h = (h ^ word) * 0x9e3779b97f4a7c15U;
    h ^= h >> 32;
  };
  add(reinterpret_cast<std::uintptr_t>(key.cause));
  add(reinterpret_cast<std::uintptr_t>(key.service));
  add(std::uint64_t{key.detail} << 32 | static_cast<std::uint64_t>(key.detail_kind) << 16 |
      static_cast<std::uint64_t>(key.direction) << 8 | key.protocol);
  return h;
}

PeerFold::Place PeerFold::place(std::string_view pod_uid, Direction direction,
                                const DropSummary& drop, SteadyTime now) {
  const DropKey& key = drop.key;
  Group& group = group_of({.pod = std::hash<std::string_view>()(pod_uid),
                           .cause = key.cause,
                           .service = key.service,
                           .detail = key.detail,
                           .detail_kind = key.detail_kind,
                           .protocol = key.protocol,
                           .direction = direction},
                          now);
  const bool is_one = key.fold == Fold::kFlow;
  const IpAddr& peer = !is_one ? drop.example : peer_of(key, direction);
  if (is_one) {
    if (Own* const own = own_place(group, peer, now)) {
      if (own->event == 0) own->event = event_key(pod_uid, direction, key);
      return {.event = own->event};
    }
  }
  Shared& shared = group.shared;
  if (shared.memory != 0 && now - shared.last >= options_.forget) forget(shared);
  if (shared.memory == 0) {
    shared.memory = ++memories_;
    shared.event = shared_event_key(pod_uid, direction, key);
    shared.example = peer;
  }
  shared.last = now;
  remember(shared, peer);
  if (!is_one) shared.complete = false;
  return {.event = shared.event,
          .peers = {.addresses = static_cast<std::uint32_t>(1 + shared.others.size() + shared.full),
                    .complete = shared.complete,
                    .memory = shared.memory},
          .example = shared.example};
}

// Touches it. Forgets what is long quiet, or, for a new one, what is quiet the longest.
PeerFold::Group& PeerFold::group_of(const Key& key, SteadyTime now) {
  while (!groups_.empty() && now - groups_.front().last >= options_.forget) forget_oldest();
  auto found = by_key_.find(key);
  if (found == by_key_.end()) {
    if (groups_.size() >= options_.groups) {
      metrics_.peer_fold_full[PeerFoldFull::kGroups].add();
      forget_oldest();
    }
    found = by_key_.emplace(key, groups_.emplace(groups_.end())).first;
    found->second->key = key;
  } else {
    groups_.splice(groups_.end(), groups_, found->second);
  }
  found->second->last = now;
  return *found->second;
}

void PeerFold::forget_oldest() {
  forget(groups_.front().shared);
  by_key_.erase(groups_.front().key);
  groups_.pop_front();
}

void PeerFold::forget(Shared& shared) {
  addresses_ -= shared.others.size();
  shared = Shared();
}

// The peer's, or a free one; null: it is, or is to be, of the shared Event.
PeerFold::Own* PeerFold::own_place(Group& group, const IpAddr& peer, SteadyTime now) {
  Own* free = nullptr;
  for (Own& own : group.own) {
    if (own.peer == peer) {
      own.last = now;
      return &own;
    }
    if (now - own.last >= options_.forget) free = &own;
  }
  if (!free && group.own.size() >= options_.own) return nullptr;
  if (remembers(group.shared, peer, now)) return nullptr;
  if (!free) free = &group.own.emplace_back();
  *free = {.peer = peer, .last = now};
  return free;
}

bool PeerFold::remembers(const Shared& shared, const IpAddr& peer, SteadyTime now) const {
  if (shared.memory == 0 || now - shared.last >= options_.forget) return false;
  return peer == shared.example ||
         std::binary_search(shared.others.begin(), shared.others.end(), peer, before);
}

void PeerFold::remember(Shared& shared, const IpAddr& peer) {
  if (peer == shared.example) return;
  const auto at = std::lower_bound(shared.others.begin(), shared.others.end(), peer, before);
  if (at != shared.others.end() && *at == peer) return;
  const bool full = 1 + shared.others.size() >= options_.told_apart;
  if (full || addresses_ >= options_.addresses) {
    metrics_.peer_fold_full[PeerFoldFull::kAddresses].add();
    shared.complete = false;
    shared.full = shared.full || full;
    return;
  }
  shared.others.insert(at, peer);
  ++addresses_;
}

}  // namespace kube_nflog
