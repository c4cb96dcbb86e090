// SPDX-License-Identifier: Apache-2.0
#include "k8s/pod_lookup.h"

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "core/log.h"
#include "k8s/names.h"
#include "k8s/pod_index.h"
#include "k8s/pod_list.h"

namespace kube_nflog {
namespace {

// resourceVersion=0: from the server's cache, never a quorum read.
std::string path_for(const IpAddr& ip) {
  return "/api/v1/pods?resourceVersion=0&fieldSelector=" +
         percent_encode("status.podIP=" + ip.to_string());
}

}  // namespace

// What one look-up collects as the answer arrives. Lives in the callbacks of its request.
struct PodLookup::Reading {
  explicit Reading(const std::string& label_key)
      : reader(label_key, [this](Pod pod) { pods.push_back(std::move(pod)); }) {}
  std::vector<Pod> pods;
  PodListReader reader;
};

PodLookup::PodLookup(Http& http, Metrics& metrics, PodLookupOptions options)
    : LookupCache(options.limits, metrics.lookups,
                  [this](const IpAddr& ip, SteadyTime now, const Answered& answered) {
                    ask_server(ip, now, answered);
                  }),
      http_(http),
      options_(std::move(options)) {}

void PodLookup::ask_server(const IpAddr& ip, SteadyTime now, const Answered& answered) {
  const auto reading = std::make_shared<Reading>(options_.label_key);
  http_.stream(
      {.verb = ApiVerb::kList, .path = path_for(ip), .timeout = options_.timeout},
      [reading](std::string_view piece) { return reading->reader.feed(piece).has_value(); },
      [this, ip, now, reading, answered](const HttpResponse& response) {
        LookupAnswer answer = understand(ip, now, *reading, response);
        answer.took = response.took;
        answered(answer);
      });
}

LookupAnswer PodLookup::understand(const IpAddr& ip, SteadyTime now, Reading& reading,
                                   const HttpResponse& response) const {
  if (response.status == 200 && response.error.empty() && reading.reader.finish()) {
    PodIndex found;
    found.replace(std::move(reading.pods), now);
    Owner owner = found.find(ip, now);
    if (!owner.known()) return {LookupResult::kNotFound, {}, options_.not_found_ttl};
    return {LookupResult::kFound, std::move(owner), options_.found_ttl};
  }
  log::warn_every(std::chrono::seconds(60), "pod look-up",
                  "cannot ask the API server whose address " + ip.to_string() +
                      " is; Events name the address instead (our ServiceAccount needs list on "
                      "pods): " +
                      response.outcome());
  LookupAnswer answer{LookupResult::kError, {}, options_.error_ttl};
  if (response.status == 403) answer.pause = options_.forbidden_pause;
  if (response.is_busy()) {
    answer.pause =
        std::chrono::ceil<std::chrono::seconds>(response.retry_after.value_or(options_.error_ttl));
  }
  return answer;
}

}  // namespace kube_nflog
