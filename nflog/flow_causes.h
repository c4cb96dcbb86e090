// SPDX-License-Identifier: Apache-2.0
// FlowCauses: one cause for the drops of one flow. The hints that k3s logs are rationed (10 a
// minute for each policy, allowed connections included), so the packets of one refused flow come
// now with all candidates, now with some, now with none; the cause is part of an Event's identity,
// and one flow should make one Event. Used by nflog/intake on the ingest thread; no allocation in
// steady state.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/cause_table.h"
#include "core/clock.h"
#include "core/drop.h"
#include "nflog/kube_router.h"

namespace kube_nflog {

// `[egress ]denied by NetworkPolicy; candidates: a/b, a/c`: in order, at most kMaxCandidates and
// then "…". A name that k3s may have cut ends in "…", too. Pure.
inline constexpr std::size_t kMaxCandidates = 5;
std::string candidates_clause(DeniedAt at, std::span<const std::string_view> names);

class FlowCauses {
 public:
  // Remembers about `capacity` flows; then the one of its set that was denied longest ago gives
  // way. `causes` must outlive this.
  explicit FlowCauses(CauseTable& causes, std::size_t capacity = 4096);

  // The cause of a verdict on `flow` (whose own cause does not count): what it was the last time,
  // with what `policies` (names as causes, may be none) add. Null: no hint was ever seen. A name
  // goes when hints keep coming for ten minutes without it, a flow when it was not denied for as
  // long: k3s makes its chains anew, with full rations, every five minutes and at every change of a
  // policy.
  const Cause* of(DropKey flow, VerdictSite site, std::span<const Cause* const> policies,
                  SystemTime now);

  std::uint64_t evicted() const { return evicted_; }  // flows that gave way to others

 private:
  struct Candidate {
    const Cause* policy;
    SystemTime seen;
  };
  struct Flow {
    DropKey key;
    VerdictSite site;
    std::uint8_t candidates = 0;  // 0: the place is free
    std::array<Candidate, kMaxCandidates + 1> candidate;
    const Cause* cause = nullptr;
    SystemTime denied;
  };
  static constexpr std::size_t kWays = 4;

  std::span<Flow, kWays> set_of(const DropKey& key);
  static bool merge(Flow& flow, std::span<const Cause* const> policies, SystemTime now);
  const Cause* word(const Flow& flow);

  CauseTable& causes_;
  std::size_t sets_;         // a power of two
  std::vector<Flow> flows_;  // empty until the first hint: other rule sets have none
  std::uint64_t evicted_ = 0;
};

}  // namespace kube_nflog
