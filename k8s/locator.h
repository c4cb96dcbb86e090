// SPDX-License-Identifier: Apache-2.0
// Locator: asks PodLookup whose the addresses of a drop are that the PodIndex does not know, and
// hands the drop on. Owned by deliver, on the deliver thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>

#include "core/clock.h"
#include "core/drop.h"
#include "k8s/event.h"
#include "k8s/pod_index.h"

namespace kube_nflog {

class PodLookup;

class Locator {
 public:
  // `told`: the end that has been told already, if one has; the drop is there for the other's sake.
  using Told = std::optional<Direction>;
  using Located = std::function<void(const DropSummary&, const Owner& source,
                                     const Owner& destination, Told told)>;

  // `lookup` may be null (offline). `capacity`: drops that wait for an answer; beyond it they are
  // handed on with what is known. PodLookup bounds how long they wait.
  Locator(PodLookup* lookup, Located located, std::size_t capacity = 1'024);

  // Calls `located` exactly once for this drop, in here or from a callback of the look-up.
  void locate(const DropSummary& drop, const Owner& source, const Owner& destination,
              SteadyTime now) {
    wait_for(drop, source, destination, std::nullopt, now);
  }
  // The drop of a Pod that has been told at once. The other end may be a Pod, too, and is asked for
  // while there is budget to spare; else `located` is not called.
  void locate_peer(const DropSummary& drop, const Owner& source, const Owner& destination,
                   Direction told, SteadyTime now);
  // At exit: nobody waits any longer, everyone is handed on with what is known.
  void give_up();

  std::size_t waiting() const { return waiting_.size(); }

 private:
  struct Waiting {
    DropSummary drop;
    Owner source, destination;
    Told told;
    int answers_due = 0;
  };
  void wait_for(const DropSummary& drop, const Owner& source, const Owner& destination, Told told,
                SteadyTime now);
  void ask(std::uint64_t id, Owner Waiting::*end, const IpAddr& ip, SteadyTime now);

  PodLookup* lookup_;
  Located located_;
  std::size_t capacity_;
  std::unordered_map<std::uint64_t, Waiting> waiting_;
  std::uint64_t next_id_ = 0;
};

}  // namespace kube_nflog
