// SPDX-License-Identifier: Apache-2.0
// Event: the core/v1 Event as this agent writes it. Made by describe, kept by event_book, rendered
// by event_json, written by event_poster or stdout_sink.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "core/clock.h"
#include "core/interfaces.h"

namespace kube_nflog {

struct PodRef {
  std::string ns, name, uid;  // uid as Events must carry it: Pod::event_uid()
  bool empty() const { return name.empty(); }
};

enum class Direction : std::uint8_t { kReceiving, kSending };

// Addresses of one shared Event that are told apart; beyond them, there are "more than 256".
inline constexpr std::uint32_t kPeersToldApart = 256;

// Of how many addresses a shared Event counts the packets, as far as somebody remembers.
struct PeerCount {
  std::uint32_t addresses = 0;  // 0: not a shared Event
  bool complete = true;         // false: at least so many
  std::uint32_t memory = 0;     // whose; another one's addresses may be the same or others
};

// What stays the same for the life of an Event. All text is printable UTF-8.
struct EventSubject {
  PodRef pod;           // whom it is about: involvedObject, and the Event's namespace
  PodRef related;       // the Pod at the other end, if it is one
  std::string message;  // message_of() says it in a shared Event's words
  // Where the peer stands in the message, for a shared Event: it then tells of all peers that have
  // none of their own, and the peer is an example.
  std::size_t peer_begin = 0, peer_end = 0;
  bool shared = false;
  Direction direction = Direction::kReceiving;
  // The machine-readable facts of the annotation; empty = unknown or not of this protocol.
  std::string peer_ip, peer_name, protocol, icmp, service_name, service_address, cause;
  std::optional<std::uint16_t> port;
  const Interfaces* interfaces = nullptr;  // of the first packet; lasting; null: not known
  std::uint64_t key = 0;  // event_key(): same subject, same key, on every run of every agent
};

// Packets of one subject: one summary's worth, not a running total.
struct EventCounts {
  std::uint64_t count = 0;
  SystemTime first{}, last{};
  PeerCount peers{};  // in all: not this summary's alone
};

// The numbers of one Event, kept by the book and carried through a write.
//
// `stamp` and `total` go into an annotation with every write. Whatever the server answers later, or
// fails to answer, the Event itself then says how many of the packets in its count are ours: a
// retry after a time-out counts nothing twice, and an earlier run's or another node's count is
// continued.
struct EventRecord {
  std::uint64_t total = 0;  // packets since `stamp` was made, told or not
  // Of those, in the Event for certain; more than `total` where an earlier process wrote of drops
  // that are yet to be read again.
  std::uint64_t told = 0;
  std::uint64_t base = 0;  // packets in the Event that are not ours
  PeerCount peers{};
  std::uint32_t base_peers = 0;  // addresses, at least, of those packets
  SystemTime first{}, last{};
  std::string stamp;    // see EventBook: the same Event, the same packets, the same stamp
  bool exists = false;  // on the server, as far as we know
  // It is an earlier process's record, which may have written more since: the server knows.
  bool unsure = false;
  std::string
      resource_version;  // as last seen; a PATCH that names it cannot overwrite others' counts

  std::uint64_t count() const { return base + total; }
  // Numbers of one memory only grow; those of two cannot be added up.
  void add_peers(const PeerCount& now) {
    const bool same = peers.memory == now.memory || peers.addresses == 0;
    peers = {.addresses = std::max(peers.addresses, now.addresses),
             .complete = peers.complete && now.complete && same,
             .memory = now.memory};
  }
  PeerCount all_peers() const {
    return {.addresses = std::max(peers.addresses, base_peers),
            .complete = peers.complete && base_peers == 0};
  }
};

}  // namespace kube_nflog
