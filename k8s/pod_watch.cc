// SPDX-License-Identifier: Apache-2.0
#include "k8s/pod_watch.h"

#include <utility>

#include "core/log.h"
#include "k8s/names.h"

namespace kube_nflog {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view kPageSize = "500";  // as client-go
constexpr auto kHealthy = 120s;  // a watch that lasted so long ends the backoff, as in client-go
constexpr auto kTooShort = 1s;   // a watch that ends sooner, without an event, is a failure
constexpr auto kListTimeout = 600s;
constexpr auto kGrace = 30s;             // beyond the server's own time-out
constexpr unsigned kInternalErrors = 5;  // so many in a row may be our version's fault
constexpr auto kEarly = 5s;  // a watch that ends so long before its time was ended for a reason

bool is_expired(int code, std::string_view reason) {
  return code == 410 || reason == "Expired" || reason == "Gone";
}
// A server that is busy, restarting or does not know us for now: nothing wrong with our version.
bool may_resume(long status) {
  return status == 0 || status == 401 || status == 403 || status == 429 || status / 100 == 5;
}

}  // namespace

PodWatch::PodWatch(Http& http, PodIndex& index, Metrics& metrics, PodWatchOptions options,
                   std::function<SteadyTime()> clock, std::function<double()> dice)
    : http_(http),
      index_(index),
      metrics_(metrics),
      options_(std::move(options)),
      clock_(std::move(clock)),
      dice_(std::move(dice)) {}

PodWatch::~PodWatch() { http_.cancel(request_); }

void PodWatch::tick(SteadyTime now) {
  if (request_ != 0 && now >= next_due()) stalled();
  if (request_ == 0 && now >= due_) {
    if (step_ == Step::kList) {
      list({});
    } else {
      watch();
    }
  }
  metrics_.pods_cached.set(static_cast<std::int64_t>(index_.size()));
}

SteadyTime PodWatch::next_due() const {
  if (request_ == 0) return due_;
  return heard_ + (step_ == Step::kList ? options_.list_silence : options_.watch_silence);
}

void PodWatch::hear() {
  heard_ = clock_();
  metrics_.last_watch_activity.set(
      std::chrono::floor<std::chrono::seconds>(options_.wall().time_since_epoch()).count());
}

std::string PodWatch::path(std::string_view parameters) const {
  std::string path = "/api/v1/pods?";
  if (!options_.node_name.empty()) {
    path += "fieldSelector=" + percent_encode("spec.nodeName=" + options_.node_name) + "&";
  }
  return path.append(parameters);
}

// The first list takes what the server has cached (0); later ones nothing older than what we have
// seen. Never "": before Kubernetes 1.31 that reads every Pod of the cluster from etcd, on every
// node at once.
void PodWatch::list(const std::string& continue_token) {
  std::string parameters;
  paging_ = !continue_token.empty();
  if (paging_) {
    parameters = "limit=" + std::string(kPageSize) + "&continue=" + percent_encode(continue_token);
  } else {
    metrics_.lists.add();
    index_.begin_list();
    // With a version, a limit would mean "exactly that version", from etcd.
    if (version_.empty() && !whole_list_) parameters = "limit=" + std::string(kPageSize) + "&";
    parameters += "resourceVersion=" + (version_.empty() ? "0" : percent_encode(version_));
  }
  step_ = Step::kList;
  began_ = heard_ = clock_();
  read_ = {};
  reader_.emplace(options_.label_key, [this](Pod pod) { index_.upsert(std::move(pod), clock_()); });
  request_ = http_.stream(
      {.verb = ApiVerb::kList, .path = path(parameters), .timeout = kListTimeout},
      [this](std::string_view piece) {
        hear();
        read_ = reader_->feed(piece);
        return read_.has_value();
      },
      [this](const HttpResponse& response) { list_done(response); });
}

void PodWatch::list_done(const HttpResponse& response) {
  request_ = 0;
  if (response.status == 200) {
    const Result<ListMeta> meta = read_ ? reader_->finish() : fail(read_.error());
    if (meta && !meta->continue_token.empty()) return list(meta->continue_token);
    if (meta && !meta->resource_version.empty()) return list_complete(*meta);
    const std::string why = meta ? "it has no resourceVersion" : meta.error().what;
    log::warn_every(60s, "pod_list_damaged", "the API server's list of Pods is no use: " + why);
    return retry(Step::kList, {});
  }
  // 410: our version, or the snapshot the pages came from, is gone. 504 with a Status: the version
  // lies in the future, as after etcd was restored; without one it is some proxy's.
  if (response.status == 410 ||
      (response.status == 504 && parse_status(response.body).reason == "Timeout")) {
    whole_list_ = paging_;
    version_.clear();
  }
  complain("list", response);
  retry(Step::kList, response);
}

void PodWatch::list_complete(const ListMeta& meta) {
  index_.end_list(clock_());
  version_ = meta.resource_version;
  internal_errors_ = 0;
  whole_list_ = false;
  if (reader_->skipped() > 0) {
    log::warn_every(600s, "pod_list_skipped",
                    std::to_string(reader_->skipped()) + " Pods of the list are not valid");
  }
  if (index_.refused() > 0) {
    log::warn_every(600s, "pod_index_full",
                    "more Pods than fit: those beyond stay unknown; use --pod-scope=node");
  }
  const bool was_troubled = std::exchange(troubled_, false);
  if (!synced() || was_troubled) {
    log::info("Pods listed: " + std::to_string(index_.size()) + " known " +
              (options_.node_name.empty() ? "in the cluster" : "on " + options_.node_name));
  }
  reader_.reset();
  synced_.store(true, std::memory_order_relaxed);
  metrics_.pod_cache_synced.set(1);
  watch();
}

void PodWatch::watch() {
  // Random, so that a fleet that began together does not come back together.
  asked_for_ = std::chrono::seconds(300 + static_cast<int>(dice_() * 300));
  step_ = Step::kWatch;
  began_ = heard_ = clock_();
  line_.clear();
  left_out_ = 0;
  fault_ = Fault::kNone;
  answered_ = heard_event_ = false;
  request_ = http_.stream(
      {.verb = ApiVerb::kWatch,
       .path = path("watch=1&allowWatchBookmarks=true&resourceVersion=" + percent_encode(version_) +
                    "&timeoutSeconds=" + std::to_string(asked_for_.count())),
       .timeout = asked_for_ + kGrace},
      [this](std::string_view piece) { return watch_data(piece); },
      [this](const HttpResponse& response) { watch_done(response); });
}

bool PodWatch::watch_data(std::string_view piece) {
  hear();
  answered_ = true;
  for (std::size_t end = 0; (end = piece.find('\n')) != std::string_view::npos;) {
    if (!take(piece.substr(0, end))) return false;
    piece.remove_prefix(end + 1);
    if (std::exchange(left_out_, 0) == 0 && !watch_line(line_)) return false;
    line_.clear();
  }
  return take(piece);
}

// A part of a line. False: it is none.
bool PodWatch::take(std::string_view part) {
  if (left_out_ == 0 && line_.size() + part.size() <= options_.max_line) {
    line_.append(part);
    return true;
  }
  if (left_out_ == 0) {
    log::warn_every(600s, "pod_watch_skipped",
                    "left out of the watch: a Pod of more than " +
                        std::to_string(options_.max_line) + " bytes");
  }
  left_out_ += std::exchange(line_, {}).size() + part.size();
  if (left_out_ <= 4 * options_.max_line) return true;
  log::warn_every(60s, "pod_watch_damaged", "the watch of Pods is damaged: a line without end");
  fault_ = Fault::kDamaged;
  return false;
}

// False: the watch is over, and fault_ says why.
bool PodWatch::watch_line(std::string_view text) {
  if (text.empty()) return true;
  Result<WatchLine> line = parse_watch_line(text, options_.label_key);
  if (!line) {
    log::warn_every(60s, "pod_watch_damaged", "the watch of Pods is damaged: " + line.error().what);
    fault_ = Fault::kDamaged;
    return false;
  }
  if (line->type == WatchType::kError) {
    const ApiStatus& status = line->status;
    if (status.code == 500) ++internal_errors_;
    fault_ = is_expired(status.code, status.reason) ? Fault::kExpired
             : may_resume(status.code)              ? Fault::kServer
                                                    : Fault::kDamaged;
    log::debug("the watch of Pods ended: " + status.reason + ": " + status.message);
    return false;
  }
  if (std::exchange(troubled_, false)) log::info("the watch of Pods goes on");
  heard_event_ = true;
  internal_errors_ = 0;
  version_ = std::move(line->resource_version);
  if (line->type == WatchType::kBookmark) return true;
  if (!line->pod) {
    log::warn_every(600s, "pod_watch_skipped", "left out of the watch: " + line->pod.error().what);
  } else if (line->type == WatchType::kDeleted) {
    index_.remove(line->pod->uid, clock_());
  } else {
    index_.upsert(std::move(*line->pod), clock_());
  }
  return true;
}

void PodWatch::watch_done(const HttpResponse& response) {
  request_ = 0;
  const SteadyTime now = clock_();
  if (now - began_ >= kHealthy) attempt_ = 0;
  if (fault_ == Fault::kExpired || response.status == 410) {
    // What was missed meanwhile is in the cache: a list not older than version_ is enough.
    metrics_.watch_restarts[WatchEnd::kExpired].add();
    return retry(Step::kList, {});
  }
  const bool closed = response.status == 200 && fault_ == Fault::kNone;
  if (closed && now - began_ >= asked_for_ - kEarly) {
    metrics_.watch_restarts[WatchEnd::kTimeout].add();
    return watch();
  }
  if (closed && (heard_event_ || now - began_ >= kTooShort)) {
    // A server that shuts down ends the watches of a whole fleet at once, and another one gets
    // them.
    metrics_.watch_restarts[WatchEnd::kEof].add();
    due_ = now + next_delay(options_.backoff, 0, dice_());
    return;
  }
  metrics_.watch_restarts[WatchEnd::kError].add();
  if (response.status != 200) complain("watch", response);
  if (response.status == 500) ++internal_errors_;
  const bool resume = fault_ != Fault::kDamaged && internal_errors_ < kInternalErrors &&
                      (closed || may_resume(response.status) || fault_ == Fault::kServer);
  retry(resume ? Step::kWatch : Step::kList, response);
}

void PodWatch::stalled() {
  http_.cancel(request_);
  request_ = 0;
  const bool watching = step_ == Step::kWatch;
  if (watching && answered_ && !heard_event_) {  // it may have nothing to say: nobody's fault
    metrics_.watch_restarts[WatchEnd::kTimeout].add();
    attempt_ = 0;
    return watch();
  }
  log::warn_every(600s, "pod_watch_stalled",
                  std::string("the API server's ") + (watching ? "watch" : "list") +
                      " of Pods fell silent: connecting anew");
  if (watching) metrics_.watch_restarts[WatchEnd::kStalled].add();
  if (watching && clock_() - began_ >= kHealthy) attempt_ = 0;
  retry(step_, {});
}

void PodWatch::retry(Step next, const HttpResponse& response) {
  const auto asked = response.retry_after.value_or(0ms);
  due_ = clock_() + asked + next_delay(options_.backoff, attempt_++, dice_());
  step_ = next;
  troubled_ = true;
}

void PodWatch::complain(std::string_view verb, const HttpResponse& response) const {
  const std::string cannot = "cannot " + std::string(verb) + " Pods, trying again: ";
  const ApiStatus status = parse_status(response.body);
  switch (response.status) {
    case 0:
      log::warn_every(60s, "pods_no_answer", cannot + response.error);
      break;
    case 401:
      log::warn_every(60s, "pods_401",
                      cannot +
                          "the API server does not know us (401). The token is expired, revoked or "
                          "of another cluster. " +
                          status.message);
      break;
    case 403:
      log::warn_every(60s, "pods_403",
                      cannot + "the API server forbids it (403). Grant this agent the verb `" +
                          std::string(verb) + "` on pods, as the ClusterRole in deploy/ does. " +
                          status.message);
      break;
    default:
      log::warn_every(60s, "pods_http",
                      cannot + "HTTP " + std::to_string(response.status) + " " + status.message);
  }
}

}  // namespace kube_nflog
