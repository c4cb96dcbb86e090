// SPDX-License-Identifier: Apache-2.0
// StdoutSink: --sink=stdout. One line a write: the Event as it would be posted (a repeat: the whole
// Event with its new count), or a row of a table for people; at a terminal, that table's counts
// move. Driven by deliver, on the deliver thread.
#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <string_view>

#include "core/metrics.h"
#include "core/options.h"
#include "k8s/event_json.h"
#include "k8s/event_writer.h"
#include "k8s/live_table.h"

namespace kube_nflog {

class StdoutSink : public EventWriter {
 public:
  // `fd` stays the caller's; SIGPIPE must be ignored.
  StdoutSink(int fd, StdoutFormat format, EventAuthor author, Metrics& metrics);

  bool has_room() const override { return true; }
  // Blocks until the whole line is taken, after hurry() for kPatience at most; calls `done` before
  // it returns.
  Result<> write(EventWrite write, Done done) override;
  void hurry() override { hurry_.store(true, std::memory_order_relaxed); }

  static constexpr std::chrono::milliseconds kPatience{2'000};

 private:
  std::string shown(const EventSubject& subject, const EventRecord& record);
  Result<> put(std::string_view text) const;
  bool wait_for_room() const;

  int fd_;
  StdoutFormat format_;
  EventAuthor author_;
  Metrics& metrics_;
  bool header_due_;
  LiveTable live_;
  std::atomic<bool> hurry_{false};
};

}  // namespace kube_nflog
