// SPDX-License-Identifier: Apache-2.0
// What a PeerFold leaves to the process after it, so that a drop that is read again is counted by
// the same Event.
#include <algorithm>

#include "k8s/peer_fold.h"

namespace kube_nflog {

void PeerFold::save(const ClockPair& clocks, SavedState& out) const {
  for (const Group& group : groups_) {
    if (group.key.service) continue;  // of no log's drop
    SavedPeers& saved = out.peers.emplace_back();
    saved.pod = group.key.pod;
    saved.cause = group.key.cause;
    saved.detail = group.key.detail;
    saved.detail_kind = group.key.detail_kind;
    saved.protocol = group.key.protocol;
    saved.direction = group.key.direction;
    saved.last = clocks.wall_time(group.last);
    for (const Own& own : group.own)
      saved.own.push_back({.peer = own.peer, .last = clocks.wall_time(own.last)});
    const Shared& shared = group.shared;
    if (shared.memory == 0) continue;
    saved.memory = shared.memory;
    saved.event = shared.event;
    saved.complete = shared.complete;
    saved.full = shared.full;
    saved.example = shared.example;
    saved.others = shared.others;
    saved.shared_last = clocks.wall_time(shared.last);
  }
}

void PeerFold::restore(const SavedState& saved, const ClockPair& clocks) {
  const auto time = [&clocks](SystemTime t) { return clocks.steady_time(t, clocks.steady); };
  for (const SavedPeers& peers : saved.peers) {
    const Key key{.pod = peers.pod,
                  .cause = peers.cause,
                  .service = nullptr,
                  .detail = peers.detail,
                  .detail_kind = peers.detail_kind,
                  .protocol = peers.protocol,
                  .direction = peers.direction};
    if (groups_.size() >= options_.groups || by_key_.contains(key)) continue;
    Group& group = *by_key_.emplace(key, groups_.emplace(groups_.end())).first->second;
    group.key = key;
    group.last = time(peers.last);
    for (const SavedPeers::Own& own : peers.own)
      if (group.own.size() < options_.own)
        group.own.push_back({.peer = own.peer, .last = time(own.last)});
    memories_ = std::max(memories_, peers.memory);
    if (peers.memory == 0) continue;
    group.shared = {.event = peers.event,
                    .memory = peers.memory,
                    .complete = peers.complete,
                    .full = peers.full,
                    .example = peers.example,
                    .others = {},
                    .last = time(peers.shared_last)};
    for (const IpAddr& other : peers.others) remember(group.shared, other);
  }
}

}  // namespace kube_nflog
