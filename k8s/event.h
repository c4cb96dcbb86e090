// SPDX-License-Identifier: Apache-2.0
// Event: the core/v1 Event as this agent writes it. Made by describe, kept by event_book, rendered
// by event_json, written by event_poster or stdout_sink.
#pragma once

#include <cstdint>
#include <string>

#include "core/clock.h"
#include "core/ip.h"

namespace kube_nflog {

struct PodRef {
  std::string ns, name, uid;  // uid as Events must carry it: Pod::event_uid()
  bool empty() const { return name.empty(); }
};

enum class Direction : std::uint8_t { kReceiving, kSending };

// What stays the same for the life of an Event.
struct EventSubject {
  PodRef pod;      // whom it is about: involvedObject, and the Event's namespace
  PodRef related;  // the Pod at the other end, if it is one
  std::string message;
  Direction direction = Direction::kReceiving;
  // The machine-readable facts of the annotation.
  std::string peer_ip, peer_name, protocol, port, cause;
  // Of (Pod uid, direction, peer address, protocol, detail, cause): same subject, same key, on
  // every run of every agent. The Event's name is <pod>.<16 hex of key>.
  std::uint64_t key = 0;
};

struct EventCounts {
  std::uint64_t count = 0;  // packets
  SystemTime first{}, last{};
};

}  // namespace kube_nflog
