// SPDX-License-Identifier: Apache-2.0
// EventWriter: the seam between when an Event is written (event_book) and how (event_poster to the
// API server, stdout_sink to a pipe). Driven by deliver, on the deliver thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "core/error.h"
#include "k8s/event.h"

namespace kube_nflog {

// One write: the Event shall carry record.total packets of ours. `record` is a copy of the moment;
// the writer learns base, first, exists and resource_version and hands it back.
struct EventWrite {
  std::shared_ptr<const EventSubject> subject;
  EventRecord record;
};

struct WriteOutcome {
  enum class Verdict {
    kWritten,           // the Event now carries record.total packets of ours
    kRetry,             // not now: no answer, 429, 5xx …; it may have been written all the same
    kConflict,          // not now, this Event alone: what the server holds of it cannot be told
    kForbidden,         // not now in this namespace: it may be for good, or the server starting
    kRefused,           // never: the server refuses this Event
    kNamespaceRefused,  // never: this namespace is missing or being deleted
  } verdict = Verdict::kWritten;
  std::optional<std::chrono::milliseconds> retry_after{};
  bool overloaded =
      false;  // kRetry, for the server has too much to do: 429, 5xx, no answer in time
};

class EventWriter {
 public:
  using Done = std::function<void(EventWrite, WriteOutcome)>;

  virtual ~EventWriter() = default;
  // Whether another write may start now.
  virtual bool has_room() const = 0;
  // `done` is called exactly once, in here or later. An error is final: the sink is gone.
  virtual Result<> write(EventWrite write, Done done) = 0;
  // From any thread: the process is to end, so a write that cannot go on must not hold it up.
  virtual void hurry() {}
};

}  // namespace kube_nflog
