// SPDX-License-Identifier: Apache-2.0
// Fuzz target: what an API server answers to a write is read within bounds, and an Event that goes
// on from it says the same when it is read again.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string_view>

#include "k8s/event_json.h"

namespace {

using namespace kube_nflog;

constexpr std::uint64_t kMaxCount = std::numeric_limits<std::int32_t>::max();

void check(bool holds) {
  if (!holds) std::abort();
}

// Ours, continued as event_poster does.
EventRecord continued(const StoredEvent& stored) {
  EventRecord record;
  record.stamp = stored.stamp;
  record.total = stored.stamped;
  record.base = stored.count - std::min(stored.count, stored.stamped);
  record.peers.addresses = stored.peers;
  record.first = stored.first.value_or(SystemTime());
  return record;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::optional<StoredEvent> stored = parse_event(text);
  if (!stored) return 0;
  check(stored->count <= kMaxCount && stored->peers <= kPeersToldApart + 1);
  EventSubject subject;
  subject.pod = {"shop", "web", "uid"};
  subject.message = "Packet dropped.";
  subject.shared = true;
  const EventRecord record = continued(*stored);
  const std::optional<StoredEvent> again = parse_event(event_body(subject, record, {}));
  check(again && again->stamp == stored->stamp && again->stamped == stored->stamped);
  check(again->peers == stored->peers);
  check(stored->stamp.size() <= 256 && stored->resource_version.size() <= 256);
  check(again->count == std::min(kMaxCount, record.count()));
  return 0;
}
