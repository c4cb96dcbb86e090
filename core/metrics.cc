// SPDX-License-Identifier: Apache-2.0
#include "core/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "core/process_stats.h"

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
  // Those every program has keep their own name.
  void process(const char* name, const char* help, MetricType type, double value) {
    MetricFamily& f = family(name, help, type);
    f.name = std::string("process_") + name;
    ClientMetric& metric = f.metric.emplace_back();
    (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
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

void add(MetricFamily& family, const Histogram& histogram) {
  ClientMetric::Histogram& h = family.metric.emplace_back().histogram;
  h.sample_sum = histogram.seconds();
  for (std::size_t i = 0; i < histogram.buckets().size(); ++i) {
    const bool last = i == Histogram::kBounds.size();
    h.sample_count += histogram.buckets()[i].value();
    h.bucket.push_back(
        {.cumulative_count = h.sample_count,
         .upper_bound = last ? std::numeric_limits<double>::infinity() : Histogram::kBounds[i]});
  }
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

void add(MetricFamily& family,
         const Labelled<Grid<Counter, DropProtocol, DropCause>, DropWay>& drops) {
  for (std::size_t way = 0; way < kLabelCount<DropWay>; ++way)
    for (std::size_t protocol = 0; protocol < kLabelCount<DropProtocol>; ++protocol)
      for (std::size_t cause = 0; cause < kLabelCount<DropCause>; ++cause)
        add(family,
            drops.all()[way].at(static_cast<DropProtocol>(protocol), static_cast<DropCause>(cause)),
            {{"direction", std::string(kDropWayNames[way])},
             {"protocol", std::string(kDropProtocolNames[protocol])},
             {"cause", std::string(kDropCauseNames[cause])}});
}

// Only where they are asked for: names of workloads are many, and not everybody may know them.
void add(Page& page, const WorkloadSeries& workloads) {
  if (!workloads.enabled()) return;
  MetricFamily& drops =
      page.counter("pod_drops_total", "Dropped packets of each workload's Pods, by direction.");
  for (std::size_t i = 0, size = workloads.size(); i < size; ++i) {
    const WorkloadSeries::Series& series = workloads.at(i);
    ClientMetric& metric = drops.metric.emplace_back();
    metric.label = {{"namespace", series.ns},
                    {"workload", series.workload},
                    {"direction", std::string(series.direction)}};
    metric.counter.value = static_cast<double>(series.drops.load(std::memory_order_relaxed));
  }
  page.counter("series_dropped_total",
               "Dropped packets that pod_drops_total lacks: too many workloads.")
      .metric.emplace_back()
      .counter.value = static_cast<double>(workloads.left_out());
}

void add_process(Page& page) {
  const ProcessStats stats = process_stats();
  const auto number = [](std::uint64_t n) { return static_cast<double>(n); };
  page.process("cpu_seconds_total", "User and system CPU time spent in seconds.",
               MetricType::Counter, stats.cpu_seconds);
  page.process("start_time_seconds", "Start time of the process since unix epoch in seconds.",
               MetricType::Gauge, stats.start_time_seconds);
  page.process("resident_memory_bytes", "Resident memory size in bytes.", MetricType::Gauge,
               number(stats.resident_bytes));
  page.process("virtual_memory_bytes", "Virtual memory size in bytes.", MetricType::Gauge,
               number(stats.virtual_bytes));
  page.process("open_fds", "Number of open file descriptors.", MetricType::Gauge,
               number(stats.open_fds));
  page.process("max_fds", "Maximum number of open file descriptors.", MetricType::Gauge,
               number(stats.max_fds));
  page.process("threads", "Number of OS threads.", MetricType::Gauge, number(stats.threads));
}

// The same page in OpenMetrics 1.0, where a counter's family is named without its samples' _total,
// and the page must show that it was not cut.
std::string open_metrics(std::string_view text) {
  constexpr std::string_view kTotal = "_total ";
  std::string out;
  out.reserve(text.size() + 8);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    std::string line(text.substr(0, end));
    text.remove_prefix(end);
    const std::size_t name = line.find(' ', 2) + 1;  // behind "# HELP "
    const std::size_t name_end = line.find(' ', name);
    if (line.starts_with('#') && line.substr(0, name_end + 1).ends_with(kTotal))
      line.erase(name_end + 1 - kTotal.size(), kTotal.size() - 1);
    out += line;
  }
  return out + "# EOF\n";
}

void add_ledger(Page& page, const Metrics& m) {
  add(page.counter("seen_total", "Drop records read, decodable or not."), m.seen);
  add(page.counter("reported_total", "Drops that are counted in an Event."), m.reported);
  add(page.counter("suppressed_total", "Drops that make no Event, by reason."), m.suppressed, "why",
      kWhyNames);
  add(page.counter("lost_total",
                   "Drops that should have made an Event, by the place where they were lost."),
      m.lost, "where", kWhereNames);
  add(page.counter("drops_total",
                   "Dropped packets of Pods; those with a Pod at both ends count in both "
                   "directions."),
      m.drops);
  add(page, m.workloads);
}

void add_api(Page& page, const Metrics& m) {
  constexpr std::array kWrites{ApiVerb::kCreate, ApiVerb::kPatch};
  constexpr std::array kAll{ApiVerb::kList, ApiVerb::kWatch, ApiVerb::kGet, ApiVerb::kCreate,
                            ApiVerb::kPatch};
  add(page.counter("events_written_total", "Event writes by answer; error = no HTTP answer."),
      m.events_written, kWrites);
  add(page.family("event_write_seconds", "How long Event writes took until their answer.",
                  MetricType::Histogram),
      m.event_write_seconds);
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

Metrics::Metrics(std::span<const std::uint16_t> nflog_groups, std::size_t workload_series)
    : workloads(workload_series) {
  for (const std::uint16_t group : nflog_groups) {
    nflog_messages[group];
    nflog_lost[group];
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

std::string Metrics::render(Format format) const {
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
  MetricFamily& lost_records =
      page.counter("nflog_lost_total",
                   "NFLOG records that the kernel dropped, by the gaps in each group's sequence.");
  for (const auto& [group, counter] : nflog_lost)
    add(lost_records, counter, {{"group", std::to_string(group)}});
  add(page.counter("nflog_datagrams_dropped_total",
                   "Datagrams of NFLOG records that found the socket buffer full."),
      nflog_datagrams_dropped);
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
  add_process(page);
  return format == Format::kOpenMetrics ? open_metrics(page.text()) : page.text();
}

}  // namespace kube_nflog
