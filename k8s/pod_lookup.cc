// SPDX-License-Identifier: Apache-2.0
#include "k8s/pod_lookup.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "core/log.h"
#include "k8s/names.h"
#include "k8s/pod_list.h"

namespace kube_nflog {
namespace {

// Never a Pod's address, or not one that the server could know.
bool is_pointless(const IpAddr& ip) {
  return ip.empty() || ip.is_unspecified() || ip.is_loopback() || ip.is_multicast() ||
         ip.is_limited_broadcast();
}

// resourceVersion=0: from the server's cache, never a quorum read.
std::string path_for(const IpAddr& ip) {
  return "/api/v1/pods?resourceVersion=0&fieldSelector=" +
         percent_encode("status.podIP=" + ip.to_string());
}

}  // namespace

// What one look-up collects as the answer arrives. Lives in the callbacks of its request.
struct PodLookup::Answer {
  explicit Answer(const std::string& label_key)
      : reader(label_key, [this](Pod pod) { pods.push_back(std::move(pod)); }) {}
  std::vector<Pod> pods;
  PodListReader reader;
};

PodLookup::PodLookup(Http& http, Metrics& metrics, PodLookupOptions options)
    : http_(http), metrics_(metrics), options_(std::move(options)), tokens_(options_.burst) {}

void PodLookup::resolve(const IpAddr& ip, SteadyTime now, Done done) {
  if (is_pointless(ip)) return done({});
  const auto it = cache_.find(ip);
  if (it != cache_.end()) recency_.splice(recency_.begin(), recency_, it->second.recency);
  if (it != cache_.end() && !it->second.waiting.empty()) {
    it->second.waiting.push_back(std::move(done));
  } else if (it != cache_.end() && now < it->second.expires) {
    metrics_.lookups[LookupResult::kCached].add();
    done(it->second.owner);
  } else if ((it == cache_.end() && !make_room()) || !take_token(now)) {
    metrics_.lookups[LookupResult::kOverBudget].add();
    done({});
  } else {
    ask(ip, now, std::move(done));
  }
}

bool PodLookup::can_spare(const IpAddr& ip, SteadyTime now) {
  const auto it = cache_.find(ip);
  if (it != cache_.end() && !it->second.waiting.empty()) return true;
  if (it != cache_.end() && now < it->second.expires) return it->second.owner.known();
  earn_tokens(now);
  return tokens_ >= 1 + options_.burst / 2;
}

void PodLookup::ask(const IpAddr& ip, SteadyTime now, Done done) {
  const auto [it, is_new] = cache_.try_emplace(ip);
  if (is_new) it->second.recency = recency_.insert(recency_.begin(), ip);
  it->second.waiting.push_back(std::move(done));
  const auto answer = std::make_shared<Answer>(options_.label_key);
  http_.stream(
      {.verb = ApiVerb::kList, .path = path_for(ip), .timeout = options_.timeout},
      [answer](std::string_view piece) { return answer->reader.feed(piece).has_value(); },
      [this, ip, now, answer](const HttpResponse& response) {
        answered(ip, now, *answer, response);
      });
}

void PodLookup::answered(const IpAddr& ip, SteadyTime asked, Answer& answer,
                         const HttpResponse& response) {
  Owner owner;
  std::chrono::seconds ttl = options_.error_ttl;
  LookupResult result = LookupResult::kError;
  if (response.status == 200 && response.error.empty() && answer.reader.finish()) {
    PodIndex found;
    found.replace(std::move(answer.pods), asked);
    owner = found.find(ip, asked);
    const bool known = owner.known();
    result = known ? LookupResult::kFound : LookupResult::kNotFound;
    ttl = known ? options_.found_ttl : options_.not_found_ttl;
  } else {
    log::warn_every(std::chrono::seconds(60), "pod look-up",
                    "cannot ask the API server whose address " + ip.to_string() +
                        " is; Events name the address instead (our ServiceAccount needs list on "
                        "pods): " +
                        (response.status == 0 || !response.error.empty()
                             ? response.error
                             : "HTTP " + std::to_string(response.status)));
  }
  metrics_.lookups[result].add();
  Entry& entry = cache_.at(ip);  // an entry that is being asked for is not evicted
  entry.owner = owner;
  entry.expires = asked + ttl;
  for (const Done& done : std::exchange(entry.waiting, {})) done(owner);
}

void PodLookup::earn_tokens(SteadyTime now) {
  using Tokens = std::chrono::duration<double, std::milli>;
  const double earned = Tokens(now - refilled_) / Tokens(options_.refill);
  tokens_ = std::min(options_.burst, tokens_ + std::max(earned, 0.0));
  refilled_ = now;
}

bool PodLookup::take_token(SteadyTime now) {
  earn_tokens(now);
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

// Room for one more address: the longest unused that nobody waits for goes.
bool PodLookup::make_room() {
  if (cache_.size() < options_.capacity) return true;
  for (auto it = recency_.end(); it != recency_.begin();) {
    --it;
    const auto entry = cache_.find(*it);
    if (!entry->second.waiting.empty()) continue;
    cache_.erase(entry);
    recency_.erase(it);
    return true;
  }
  return false;
}

}  // namespace kube_nflog
