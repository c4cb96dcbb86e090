// SPDX-License-Identifier: Apache-2.0
// The identity of an Event: a hash that is the same on every run of every agent, and the Event's
// name made of it. So a POST that timed out, and an agent that was restarted, find their own Event
// again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/drop.h"
#include "k8s/event.h"

namespace kube_nflog {

// Of (Pod uid, direction, peer address, protocol, detail, cause, Service address). Part of the
// stored format: changing it gives every Event a twin for one event-ttl after an upgrade.
std::uint64_t event_key(std::string_view pod_uid, Direction direction, const DropKey& drop);

// Of the Event that the peers of such drops share: the same without the peer.
std::uint64_t shared_event_key(std::string_view pod_uid, Direction direction, DropKey drop);

// The address at the other end.
inline const IpAddr& peer_of(const DropKey& drop, Direction direction) {
  return direction == Direction::kReceiving ? drop.src : drop.dst;
}
inline void set_peer(DropKey& drop, Direction direction, const IpAddr& peer) {
  (direction == Direction::kReceiving ? drop.src : drop.dst) = peer;
}

// <pod>.<16 hex digits>, at most 253 bytes: a DNS-1123 subdomain whenever the Pod's name is one.
std::string event_name(const EventSubject& subject);

}  // namespace kube_nflog
