// SPDX-License-Identifier: Apache-2.0
// event_json: the core/v1 Event as JSON, both ways. Written for event_poster and stdout_sink; what
// the server answers is read for event_poster and trusted with nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "k8s/event.h"

namespace kube_nflog {

// Who writes.
struct EventAuthor {
  std::string reason = "PacketDrop";
  std::string component = "kube-nflog";  // source.component, the From column of kubectl describe
  std::string node;                      // source.host and reportingInstance
};

// The body of a POST: the whole Event. One line, valid UTF-8. No eventTime, so that kubectl shows
// count and age from count, firstTimestamp and lastTimestamp.
std::string event_body(const EventSubject& subject, const EventRecord& record,
                       const EventAuthor& author);

// The body of a PATCH (application/strategic-merge-patch+json): what a repeat changes.
std::string event_patch(const EventSubject& subject, const EventRecord& record);

// An Event as the server has it.
struct StoredEvent {
  std::uint64_t count = 0;
  std::optional<SystemTime> first;
  std::string stamp;          // of who wrote it last; empty: not one of us
  std::uint64_t stamped = 0;  // how many of `count` are that writer's
  std::uint32_t peers = 0;    // addresses, at least, of a shared Event; <= kPeersToldApart + 1
  std::string resource_version;
};

// Null: not an Event. Wrong types, missing fields and silly numbers read as absent.
std::optional<StoredEvent> parse_event(std::string_view body);

// For the log: a Status's message, else the beginning of whatever it is, printable and short.
std::string explain_answer(std::string_view body);

}  // namespace kube_nflog
