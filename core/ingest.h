// SPDX-License-Identifier: Apache-2.0
// Ingest: the body of thread 1. Reads the source, sets noise aside, folds repeats, hands summaries
// to the deliver thread and wakes it. No allocation, lock or formatting per packet.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/bounded_queue.h"
#include "core/cut.h"
#include "core/dedupe.h"
#include "core/drop.h"
#include "core/error.h"
#include "core/heartbeat.h"
#include "core/metrics.h"
#include "core/noise.h"
#include "core/source.h"

namespace kube_nflog {

struct IngestOptions {
  DedupeOptions dedupe;
  NoiseOptions noise;
};

// Everything is owned by the caller and must outlive this. `wake` tells the deliver thread that the
// queue has something; it is called on the ingest thread and must not block. With a `cut`, one is
// made about once a second while there is something new.
class Ingest {
 public:
  Ingest(const IngestOptions& options, DropSource& source, BoundedQueue<DropSummary>& queue,
         Metrics& metrics, std::function<void()> wake, Cut* cut = nullptr);

  // Until `stop_fd` becomes readable; then reads what has already arrived and hands out what is
  // pending. An error is the source's and is final.
  Result<> run(int stop_fd);

  // One round, for run() and for tests: reads once and turns the buckets when due.
  Result<> step(SteadyTime now);

  const Heartbeat& heartbeat() const { return heartbeat_; }

 private:
  void fold(SteadyTime now);
  void make_cut(SteadyTime now);
  bool hand_out_for_cut(SteadyTime now);
  bool make_last_cut();
  void finish();

  IngestOptions options_;
  DropSource& source_;
  BoundedQueue<DropSummary>& queue_;
  Metrics& metrics_;
  std::function<void()> wake_;
  Dedupe dedupe_;
  Heartbeat heartbeat_;
  Cut* cut_;
  std::string cut_position_;              // of the last cut
  SteadyTime cut_at_{};                   // when that was made, or given up
  std::optional<SteadyTime> cut_due_;     // when to look after the next
  std::optional<SteadyTime> hold_until_;  // nothing is read: a cut is being handed out
  std::size_t read_ = 0;                  // drops in the last batch, noise included
  std::vector<Drop> batch_;               // reused: no allocation in steady state
};

}  // namespace kube_nflog
