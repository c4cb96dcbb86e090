// SPDX-License-Identifier: Apache-2.0
#include "k8s/event_poster.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "core/clock.h"
#include "core/log.h"
#include "k8s/event_key.h"

namespace kube_nflog {
namespace {

using Verdict = WriteOutcome::Verdict;

constexpr std::chrono::seconds kTimeout{10};
// POST 409, GET, PATCH is the longest way; twice that means that somebody makes and deletes the
// Event as we look.
constexpr unsigned kMaxRequests = 6;

bool is_success(long status) { return status >= 200 && status <= 202; }

// Status.details.causes[].reason of a 403. No name in the rest of the text has capitals.
bool is_terminating(const HttpResponse& response) {
  return response.body.find("NamespaceTerminating") != std::string::npos;
}

bool is_overload(const HttpResponse& response) {
  const long status = response.status;
  return status == 0 ? response.timed_out : status == 408 || status == 429 || status / 100 == 5;
}

Verdict verdict(ApiVerb verb, const HttpResponse& response) {
  const long status = response.status;
  // An answer that is no Event, say one that somebody has made too long; or RBAC without `get`.
  const bool is_unreadable = status == 200 || (status == 403 && !is_terminating(response));
  if (verb == ApiVerb::kGet && is_unreadable) return Verdict::kConflict;
  if (status == 404 && verb == ApiVerb::kCreate) return Verdict::kNamespaceRefused;
  // Missing RBAC, a quota or a webhook; also, for a moment, an API server that has just started and
  // has not read its RBAC objects yet.
  if (status == 403)
    return is_terminating(response) ? Verdict::kNamespaceRefused : Verdict::kForbidden;
  const bool is_passing = status == 401 || status == 404 || status == 408 || status == 409 ||
                          status == 425 || status == 429;
  if (status >= 400 && status < 500 && !is_passing) return Verdict::kRefused;
  return Verdict::kRetry;
}

// What the server holds becomes what we build on.
void reconcile(EventRecord& record, const StoredEvent& stored) {
  std::uint64_t ours = 0;
  if (stored.stamp == record.stamp) {
    ours = stored.stamped;  // the Event's own word, also on a write whose answer never came
    record.told = std::max(record.told, std::min(stored.stamped, stored.count));
  } else if (record.exists) {
    ours = record.told;  // another writer came after us and counted on from there
  }
  record.base = stored.count - std::min(stored.count, ours);
  if (stored.stamp != record.stamp)
    record.base_peers = std::max({record.base_peers, stored.peers, 1U});
  if (stored.first) record.first = std::min(record.first, *stored.first);
  record.exists = true;
  record.unsure = false;
  record.resource_version = stored.resource_version;
}

void report(Verdict verdict, const EventWrite& write, const HttpResponse& response) {
  constexpr std::chrono::seconds kInterval{60};
  const PodRef& pod = write.subject->pod;
  const std::string why = response.status == 0 ? response.error
                                               : "HTTP " + std::to_string(response.status) + ": " +
                                                     explain_answer(response.body);
  if (verdict == Verdict::kNamespaceRefused) {
    log::warn_every(kInterval, "namespace refused",
                    "namespace " + pod.ns + " is gone; drops there are not told: " + why);
  } else if (verdict == Verdict::kForbidden) {
    log::warn_every(kInterval, "namespace forbidden",
                    "the API server forbids Events in namespace " + pod.ns +
                        "; drops there wait for --refused-interval, then they are not told (our "
                        "ServiceAccount needs create, get and patch on events): " +
                        why);
  } else if (verdict == Verdict::kConflict) {
    log::warn_every(
        kInterval, "event conflict",
        "an Event about Pod " + pod.ns + '/' + pod.name +
            " exists, and what it counts cannot be read" +
            (response.status == 403 ? " (our ServiceAccount needs get on events)" : "") +
            "; what is to be added waits: " + why);
  } else if (verdict == Verdict::kRefused) {
    log::warn_every(
        kInterval, "event refused",
        "the API server refuses an Event about Pod " + pod.ns + '/' + pod.name + ": " + why);
  } else {
    log::warn_every(kInterval, "event retry",
                    "cannot write an Event about Pod " + pod.ns + '/' + pod.name +
                        " now; its count is kept and the write tried again: " + why);
  }
}

}  // namespace

EventPoster::EventPoster(Http& http, Metrics& metrics, EventAuthor author)
    : http_(http), metrics_(metrics), author_(std::move(author)) {}

Result<> EventPoster::write(EventWrite write, Done done) {
  ++in_flight_;
  next(std::make_shared<Job>(Job{std::move(write), std::move(done)}));
  return {};
}

void EventPoster::next(const JobPtr& job) {
  if (job->requests >= kMaxRequests) return finish(job, {.verdict = Verdict::kConflict});
  const EventRecord& record = job->write.record;
  send(!record.exists ? ApiVerb::kCreate : record.unsure ? ApiVerb::kGet : ApiVerb::kPatch, job);
}

void EventPoster::send(ApiVerb verb, const JobPtr& job) {
  const EventSubject& subject = *job->write.subject;
  HttpRequest request;
  request.verb = verb;
  request.timeout = kTimeout;
  request.path = "/api/v1/namespaces/" + subject.pod.ns + "/events";
  if (verb != ApiVerb::kCreate) request.path += '/' + event_name(subject);
  if (verb == ApiVerb::kCreate) {
    request.content_type = "application/json";
    request.body = event_body(subject, job->write.record, author_);
  } else if (verb == ApiVerb::kPatch) {
    request.content_type = "application/strategic-merge-patch+json";
    request.body = event_patch(subject, job->write.record);
  }
  ++job->requests;
  job->sent = steady_now();
  http_.send(std::move(request),
             [this, verb, job](const HttpResponse& response) { answered(verb, job, response); });
}

void EventPoster::answered(ApiVerb verb, const JobPtr& job, const HttpResponse& response) {
  EventRecord& record = job->write.record;
  if (verb == ApiVerb::kGet) {
    if (response.status == 200) return read(job, response);
  } else {
    metrics_.events_written.at(verb, api_code(response.status)).add();
    metrics_.event_write_seconds.add(steady_now() - job->sent);
    if (is_success(response.status)) {
      const std::optional<StoredEvent> stored = parse_event(response.body);
      record.exists = true;
      record.resource_version = stored ? stored->resource_version : std::string();
      return finish(job, {.verdict = Verdict::kWritten});
    }
    if (response.status == 409) return send(ApiVerb::kGet, job);
  }
  if (response.status == 404 && verb != ApiVerb::kCreate) {  // it has expired
    record.exists = false;
    record.resource_version.clear();
    return next(job);
  }
  settle(verb, job, response);
}

void EventPoster::read(const JobPtr& job, const HttpResponse& response) {
  EventRecord& record = job->write.record;
  const std::optional<StoredEvent> stored = parse_event(response.body);
  if (!stored) return settle(ApiVerb::kGet, job, response);
  reconcile(record, *stored);
  const bool told = stored->stamp == record.stamp && stored->stamped >= record.total;
  if (told) return finish(job, {.verdict = Verdict::kWritten});
  next(job);
}

void EventPoster::settle(ApiVerb verb, const JobPtr& job, const HttpResponse& response) {
  const Verdict result = verdict(verb, response);
  report(result, job->write, response);
  finish(job, {.verdict = result,
               .retry_after = response.retry_after,
               .overloaded = is_overload(response)});
}

void EventPoster::finish(const JobPtr& job, WriteOutcome outcome) {
  --in_flight_;
  job->done(std::move(job->write), outcome);
}

}  // namespace kube_nflog
