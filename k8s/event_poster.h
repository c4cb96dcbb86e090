// SPDX-License-Identifier: Apache-2.0
// EventPoster: writes Events to the API server: POST a new one, PATCH a repeat, and find out by one
// GET what a conflict means. Driven by deliver, on the deliver thread.
#pragma once

#include <cstddef>
#include <memory>

#include "core/clock.h"
#include "core/metrics.h"
#include "k8s/event_json.h"
#include "k8s/event_writer.h"
#include "k8s/http.h"

namespace kube_nflog {

// Exactness. Names are deterministic, so a 409 on POST is either our own POST that timed out or an
// Event of an earlier run (or of another node); a 409 on PATCH means that somebody wrote since we
// last looked. Both times the Event is read once, its tally annotation says how much of its count
// is ours, and a PATCH sets the count to the rest plus ours. PATCHes carry absolute counts: sending
// one again does no harm. PATCH 404: the Event has expired; it is POSTed anew with its whole count
// and first time, as client-go does, so that "(x37 over 3h)" goes on.
//
// One thing stays uncertain: a write whose answer got lost AND whose tally another node's write
// replaced before we could read it. Its packets are then counted twice.
class EventPoster : public EventWriter {
 public:
  EventPoster(Http& http, Metrics& metrics, EventAuthor author);

  bool has_room() const override { return in_flight_ < kMaxInFlight; }
  Result<> write(EventWrite write, Done done) override;

  static constexpr std::size_t kMaxInFlight = 8;

 private:
  struct Job {
    EventWrite write;
    Done done;
    unsigned requests = 0;
    SteadyTime sent{};  // the latest
  };
  using JobPtr = std::shared_ptr<Job>;

  void next(const JobPtr& job);  // POST or PATCH, as the record says
  void send(ApiVerb verb, const JobPtr& job);
  void answered(ApiVerb verb, const JobPtr& job, const HttpResponse& response);
  void read(const JobPtr& job, const HttpResponse& response);
  void settle(ApiVerb verb, const JobPtr& job, const HttpResponse& response);
  void finish(const JobPtr& job, WriteOutcome outcome);

  Http& http_;
  Metrics& metrics_;
  EventAuthor author_;
  std::size_t in_flight_ = 0;
};

}  // namespace kube_nflog
