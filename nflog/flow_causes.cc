// SPDX-License-Identifier: Apache-2.0
#include "nflog/flow_causes.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <functional>
#include <utility>

namespace kube_nflog {
namespace {

constexpr std::chrono::minutes kMemory{10};

// k3s cuts "namespace/name" to 48 bytes, or to 23 of each where both are longer (safeJoin in
// k3s-io/kube-router pkg/controllers/netpol/policy.go), and leaves no sign of it.
constexpr std::size_t kMaybeCut = 47;

constexpr std::size_t kShortestCut = 23;

bool may_be_of_one_namespace(const Cause* a, const Cause* b) {
  const auto ns = [](const Cause* policy) {
    return std::string_view(policy->clause).substr(0, policy->clause.find('/'));
  };
  const std::size_t common = std::min(ns(a).size(), ns(b).size());
  return ns(a).substr(0, common) == ns(b).substr(0, common) &&
         (ns(a).size() == ns(b).size() || common >= kShortestCut);
}

std::size_t hash_of(const DropKey& key) {
  return std::hash<std::string_view>()({reinterpret_cast<const char*>(&key), sizeof key});
}

}  // namespace

std::string candidates_clause(DeniedAt at, std::span<const std::string_view> names) {
  std::string clause = at == DeniedAt::kSender ? "egress " : "";
  clause += "denied by NetworkPolicy; candidates:";
  const char* separator = " ";
  for (std::size_t i = 0; i < std::min(names.size(), kMaxCandidates); ++i) {
    clause += separator;
    clause += names[i];
    if (names[i].size() >= kMaybeCut) clause += "…";
    separator = ", ";
  }
  if (names.size() > kMaxCandidates) clause += ", …";
  return clause;
}

FlowCauses::FlowCauses(CauseTable& causes, std::size_t capacity)
    : causes_(causes), sets_(std::bit_ceil(std::max(capacity, kWays)) / kWays) {}

std::span<FlowCauses::Flow, FlowCauses::kWays> FlowCauses::set_of(const DropKey& key) {
  return std::span<Flow, kWays>(&flows_[(hash_of(key) & (sets_ - 1)) * kWays], kWays);
}

const Cause* FlowCauses::of(DropKey key, VerdictSite site, std::span<const Cause* const> policies,
                            SystemTime now) {
  if (flows_.empty()) {
    if (policies.empty()) return nullptr;
    flows_.resize(sets_ * kWays);
  }
  key.cause = nullptr;
  Flow* oldest = nullptr;  // or free
  for (Flow& flow : set_of(key)) {
    if (now - flow.denied > kMemory) flow.candidates = 0;
    if (flow.candidates != 0 && flow.key == key && flow.site == site) {
      if (merge(flow, policies, now)) flow.cause = word(flow);
      flow.denied = now;
      return flow.cause;
    }
    const bool better = oldest == nullptr || (flow.candidates == 0 && oldest->candidates != 0) ||
                        (oldest->candidates != 0 && flow.denied < oldest->denied);
    if (better) oldest = &flow;
  }
  if (policies.empty()) return nullptr;
  if (oldest->candidates != 0) ++evicted_;
  *oldest = Flow{.key = key, .site = site, .candidate = {}, .denied = now};
  merge(*oldest, policies, now);
  return oldest->cause = word(*oldest);
}

// True: other candidates than before.
bool FlowCauses::merge(Flow& flow, std::span<const Cause* const> policies, SystemTime now) {
  if (policies.empty()) return false;
  const auto contains = [](const auto& range, const auto& same) {
    return std::any_of(range.begin(), range.end(), same);
  };
  std::uint8_t kept = 0;
  for (Candidate c : std::span(flow.candidate).first(flow.candidates)) {
    if (contains(policies, [&](const Cause* policy) { return policy == c.policy; })) c.seen = now;
    // A chain's policies are all of its Pod's namespace: the address may be another Pod's by now.
    const bool of_this_pod = contains(
        policies, [&](const Cause* policy) { return may_be_of_one_namespace(policy, c.policy); });
    if (of_this_pod && now - c.seen <= kMemory) flow.candidate[kept++] = c;
  }
  bool changed = std::exchange(flow.candidates, kept) != kept;
  for (const Cause* policy : policies) {
    const auto known = std::span(flow.candidate).first(flow.candidates);
    if (known.size() == flow.candidate.size()) break;
    if (contains(known, [&](const Candidate& c) { return c.policy == policy; })) continue;
    flow.candidate[flow.candidates++] = {policy, now};
    changed = true;
  }
  return changed;
}

const Cause* FlowCauses::word(const Flow& flow) {
  std::vector<std::string_view> names;
  for (const Candidate& c : std::span(flow.candidate).first(flow.candidates))
    names.push_back(c.policy->clause);
  std::sort(names.begin(), names.end());
  return causes_.intern(candidates_clause(flow.site.at, names));
}

}  // namespace kube_nflog
