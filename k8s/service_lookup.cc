// SPDX-License-Identifier: Apache-2.0
#include "k8s/service_lookup.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "core/log.h"
#include "k8s/json_items.h"
#include "k8s/names.h"
#include "k8s/pod_json.h"

namespace kube_nflog {
namespace {

// resourceVersion=0: from the server's cache, never a quorum read.
std::string path_for(const IpAddr& ip) {
  return "/api/v1/services?resourceVersion=0&fieldSelector=" +
         percent_encode("spec.clusterIP=" + ip.to_string());
}

}  // namespace

// What one look-up collects as the answer arrives. Lives in the callbacks of its request.
struct ServiceLookup::Reading {
  explicit Reading(const IpAddr& ip)
      : items([this, ip](std::string_view item) {
          Result<Service> service = parse_service(item);
          if (!service || IpAddr::parse(service->cluster_ip) != ip) return;
          found = {std::move(service->ns), std::move(service->name)};
        }) {}
  ServiceName found;
  JsonItems items;
};

ServiceLookup::ServiceLookup(Http& http, Metrics& metrics, ServiceLookupOptions options)
    : LookupCache(options.limits, metrics.service_lookups,
                  [this](const IpAddr& ip, SteadyTime, const Answered& answered) {
                    ask_server(ip, answered);
                  }),
      http_(http),
      options_(options) {}

void ServiceLookup::ask_server(const IpAddr& ip, const Answered& answered) {
  const auto reading = std::make_shared<Reading>(ip);
  http_.stream(
      {.verb = ApiVerb::kList, .path = path_for(ip), .timeout = options_.timeout},
      [reading](std::string_view piece) { return reading->items.feed(piece).has_value(); },
      [this, reading, answered](const HttpResponse& response) {
        LookupAnswer answer = understand(*reading, response);
        answer.took = response.took;
        answered(answer);
      });
}

LookupAnswer ServiceLookup::understand(Reading& reading, const HttpResponse& response) const {
  if (response.status != 200 || !response.error.empty()) return refused(response);
  const Result<std::string_view> envelope = reading.items.finish();
  const Result<ListMeta> meta = envelope ? parse_list_meta(*envelope) : fail(envelope.error());
  if (!meta || meta->kind != "ServiceList") {
    return refused({.error = meta ? "the answer is not a list of Services" : meta.error().what});
  }
  if (reading.found.empty()) return {LookupResult::kNotFound, {}, options_.not_found_ttl};
  return {LookupResult::kFound, {.service = std::move(reading.found)}, options_.found_ttl};
}

LookupAnswer ServiceLookup::refused(const HttpResponse& response) const {
  LookupAnswer answer{LookupResult::kError, {}, options_.error_ttl};
  const std::string cannot = "cannot ask the API server for Services by their address";
  if (response.status == 400) {
    answer.pause = options_.unsupported_pause;
    log::info(cannot + ": it is older than Kubernetes 1.31. Only reverse DNS names them.");
  } else if (response.status == 403) {
    answer.pause = options_.forbidden_pause;
    log::warn_every(options_.forbidden_pause, "service look-up forbidden",
                    cannot +
                        ": it forbids it (403). Grant this agent the verb `list` on services, as "
                        "the ClusterRole in deploy/ does, or set --service-lookup=false.");
  } else {
    if (response.is_busy()) {
      answer.pause = std::chrono::ceil<std::chrono::seconds>(
          response.retry_after.value_or(options_.error_ttl));
    }
    log::warn_every(std::chrono::seconds(60), "service look-up",
                    cannot + "; Events have the address instead: " + response.outcome());
  }
  return answer;
}

}  // namespace kube_nflog
