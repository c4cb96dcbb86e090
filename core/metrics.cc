// SPDX-License-Identifier: Apache-2.0
#include "core/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <utility>
#include <vector>

#ifndef KUBE_NFLOG_VERSION
#error "the build defines KUBE_NFLOG_VERSION"
#endif

namespace kube_nflog {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

// Collects the families of one scrape in the library's own shape, so that the text is the
// library's.
class Page {
 public:
  MetricFamily& family(const char* name, const char* help, MetricType type) {
    MetricFamily& f = families_.emplace_back();
    f.name = std::string("kube_nflog_") + name;
    f.help = help;
    f.type = type;
    return f;
  }
  MetricFamily& counter(const char* name, const char* help) {
    return family(name, help, MetricType::Counter);
  }
  MetricFamily& gauge(const char* name, const char* help) {
    return family(name, help, MetricType::Gauge);
  }
  std::string text() const { return prometheus::TextSerializer().Serialize(families_); }

 private:
  std::vector<MetricFamily> families_;
};

using Labels = std::vector<ClientMetric::Label>;

void add(MetricFamily& family, const Counter& counter, Labels labels = {}) {
  ClientMetric& m = family.metric.emplace_back();
  m.label = std::move(labels);
  m.counter.value = static_cast<double>(counter.value());
}

void add(MetricFamily& family, const Gauge& gauge, Labels labels = {}) {
  ClientMetric& m = family.metric.emplace_back();
  m.label = std::move(labels);
  m.gauge.value = static_cast<double>(gauge.value());
}

template <class Metric, class E, std::size_t N>
void add(MetricFamily& family, const Labelled<Metric, E>& labelled, const char* label,
         const std::array<std::string_view, N>& names) {
  static_assert(N == kLabelCount<E>);
  for (std::size_t i = 0; i < N; ++i)
    add(family, labelled.all()[i], {{label, std::string(names[i])}});
}

void add(MetricFamily& family, const Grid<Counter, ApiVerb, ApiCode>& grid,
         std::span<const ApiVerb> verbs) {
  for (const ApiVerb verb : verbs)
    for (std::size_t code = 0; code < kLabelCount<ApiCode>; ++code)
      add(family, grid.at(verb, static_cast<ApiCode>(code)),
          {{"verb", std::string(kApiVerbNames[static_cast<std::size_t>(verb)])},
           {"code", std::string(kApiCodeNames[code])}});
}

void add_ledger(Page& page, const Metrics& m) {
  add(page.counter("seen_total", "Drop records read, decodable or not."), m.seen);
  add(page.counter("reported_total", "Drops that are counted in an Event."), m.reported);
  add(page.counter("suppressed_total", "Drops that make no Event, by reason."), m.suppressed, "why",
      kWhyNames);
  add(page.counter("lost_total",
                   "Drops that should have made an Event, by the place where they were lost."),
      m.lost, "where", kWhereNames);
}

void add_api(Page& page, const Metrics& m) {
  constexpr std::array kWrites{ApiVerb::kCreate, ApiVerb::kPatch};
  constexpr std::array kAll{ApiVerb::kList, ApiVerb::kWatch, ApiVerb::kGet, ApiVerb::kCreate,
                            ApiVerb::kPatch};
  add(page.counter("events_written_total", "Event writes by answer; error = no HTTP answer."),
      m.events_written, kWrites);
  add(page.counter("api_requests_total", "Requests to the API server by answer."), m.api_requests,
      kAll);
  add(page.gauge("pods_cached", "Pods in the index."), m.pods_cached);
  add(page.gauge("pod_cache_synced", "1 once the Pods were listed."), m.pod_cache_synced);
  add(page.gauge("last_watch_activity_timestamp_seconds",
                 "When the list or watch of Pods last brought a byte."),
      m.last_watch_activity);
  add(page.counter("credential_reload_failures_total",
                   "Readings of rotating credentials that failed; the old ones stayed in use."),
      m.credential_reload_failures, "what", kCredentialNames);
  add(page.counter("lists_total", "Pod lists requested."), m.lists);
  add(page.counter("watch_restarts_total", "Ends of the Pod watch, by reason."), m.watch_restarts,
      "why", kWatchEndNames);
  add(page.counter("lookups_total", "Look-ups of addresses that are no Pod of this node."),
      m.lookups, "result", kLookupResultNames);
  add(page.counter("service_lookups_total", "Look-ups of Services by cluster address."),
      m.service_lookups, "result", kLookupResultNames);
  add(page.counter("dns_lookups_total", "Reverse DNS look-ups."), m.dns_lookups, "result",
      kLookupResultNames);
}

}  // namespace

ApiCode api_code(long status) {
  switch (status) {
    case 0:
      return ApiCode::kError;
    case 401:
      return ApiCode::k401;
    case 403:
      return ApiCode::k403;
    case 404:
      return ApiCode::k404;
    case 409:
      return ApiCode::k409;
    case 410:
      return ApiCode::k410;
    case 429:
      return ApiCode::k429;
    default:
      break;
  }
  switch (status / 100) {
    case 2:
      return ApiCode::k2xx;
    case 4:
      return ApiCode::k4xx;
    case 5:
      return ApiCode::k5xx;
    default:
      return ApiCode::kOther;
  }
}

Metrics::Metrics(std::span<const std::uint16_t> nflog_groups) {
  for (const std::uint16_t group : nflog_groups) {
    nflog_messages[group];
    nflog_group_bound[group];
  }
}

namespace {

std::uint64_t sum(std::span<const Counter> counters) {
  std::uint64_t sum = 0;
  for (const Counter& counter : counters) sum += counter.value();
  return sum;
}

// " (mid_stream 3, no_pod 1)", of those that are not 0.
std::string details(std::span<const Counter> counters, std::span<const std::string_view> names) {
  std::string text;
  for (std::size_t i = 0; i < counters.size(); ++i) {
    if (counters[i].value() == 0) continue;
    text += text.empty() ? " (" : ", ";
    text.append(names[i]) += ' ' + std::to_string(counters[i].value());
  }
  return text.empty() ? text : text + ')';
}

}  // namespace

std::int64_t Metrics::pending() const {
  const std::uint64_t never_seen =
      lost[Where::kNetlinkOverrun].value() + lost[Where::kKmsgOverrun].value();
  const std::uint64_t settled =
      reported.value() + sum(suppressed.all()) + sum(lost.all()) - never_seen;
  return static_cast<std::int64_t>(seen.value()) - static_cast<std::int64_t>(settled);
}

std::string Metrics::ledger() const {
  return "seen " + std::to_string(seen.value()) + ", reported " + std::to_string(reported.value()) +
         ", suppressed " + std::to_string(sum(suppressed.all())) +
         details(suppressed.all(), kWhyNames) + ", lost " + std::to_string(sum(lost.all())) +
         details(lost.all(), kWhereNames);
}

std::string Metrics::render() const {
  Page page;
  ClientMetric& build = page.gauge("build_info", "Always 1.").metric.emplace_back();
  build.label = {{"version", KUBE_NFLOG_VERSION}};
  build.gauge.value = 1;
  add(page.gauge("source_active", "1 for the source that is being read."), source_active, "source",
      kSourceKindNames);
  add_ledger(page, *this);
  MetricFamily& messages = page.counter("nflog_messages_total", "NFLOG records received.");
  for (const auto& [group, counter] : nflog_messages)
    add(messages, counter, {{"group", std::to_string(group)}});
  MetricFamily& bound = page.gauge("nflog_group_bound", "0: another process holds the group.");
  for (const auto& [group, gauge] : nflog_group_bound)
    add(bound, gauge, {{"group", std::to_string(group)}});
  add(page.counter("nflog_group_rebinds_total", "Groups bound once their other reader had gone."),
      nflog_group_rebinds);
  add(page.counter("hints_total", "Records of rules that log before the verdict, by what came."),
      hints, "result", kHintResultNames);
  add(page.counter("causes_left_out_total",
                   "Drops told without the rule that dropped them: too many distinct ones."),
      causes_left_out);
  add(page.counter("services_left_out_total",
                   "Drops told without their Service address: too many distinct ones."),
      services_left_out);
  add(page.counter("interface_lists_total",
                   "Times that all network interfaces were listed for their names."),
      interface_lists);
  add(page.counter("interfaces_left_out_total",
                   "Drops told without an interface's name: too many distinct ones."),
      interfaces_left_out);
  add(page.gauge("nflog_rcvbuf_bytes", "Socket buffer that the kernel granted."),
      nflog_rcvbuf_bytes);
  add(page.gauge("dedupe_keys", "Distinct drops in the current window."), dedupe_keys);
  add(page.gauge("event_keys", "Distinct Events being counted."), event_keys);
  add(page.gauge(
          "event_budget_percent",
          "How much of the node's Event budget is in use; less after the API server refused."),
      event_budget_percent);
  add(page.counter("peer_fold_full_total", "Peers that share an Event: what had no more room."),
      peer_fold_full, "what", kPeerFoldFullNames);
  add_api(page, *this);
  add(page.counter("log_truncations_total",
                   "Times that the log file lost its content before it was all read, maybe."),
      log_truncations);
  add(page.counter("log_lines_dropped_total", "Log lines that stderr did not take."),
      log_lines_dropped);
  return page.text();
}

}  // namespace kube_nflog
