// SPDX-License-Identifier: Apache-2.0
// Locator: finds out whose the addresses of a drop are that the PodIndex does not know, and hands
// the drop on, with what is known by then. Owned by deliver, on the deliver thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "core/clock.h"
#include "core/drop.h"
#include "k8s/event.h"
#include "k8s/owner.h"
#include "k8s/saved_state.h"

namespace kube_nflog {

class LookupCache;
class PodIndex;

// Asked in this order. Null: not to be had, or not wanted.
struct Lookups {
  LookupCache* pods = nullptr;
  LookupCache* services = nullptr;
  LookupCache* dns = nullptr;
};

// What is known of a drop's addresses.
struct Ends {
  Owner source, destination;
  ServiceName service;  // that the packet was addressed to, where key.service has its address
};

struct LocatorOptions {
  std::chrono::milliseconds bound{2'000};  // no drop waits longer, whoever does not answer
  std::size_t capacity = 1'024;            // drops that wait; further ones are handed on at once
};

class Locator {
 public:
  // `told`: the end that has been told already, if one has; the drop is there for the other's sake.
  using Told = std::optional<Direction>;
  using Located = std::function<void(const DropSummary&, const Ends&, Told)>;

  Locator(PodIndex& pods, Lookups lookups, Located located, LocatorOptions options = {});

  // Calls `located` exactly once for this drop: in here, from an answer, or from tick(). `ends` is
  // what the index knows.
  void locate(const DropSummary& drop, Ends ends, const Moment& now) {
    wait_for(drop, std::move(ends), std::nullopt, now);
  }
  // The drop of a Pod that has been told at once. The other end may be a Pod, too, and is asked for
  // while there is budget to spare; else `located` is not called.
  void locate_peer(const DropSummary& drop, Ends ends, Direction told, const Moment& now);
  // What is known of an address, and of a drop's Service, without asking anybody.
  Owner recall(const IpAddr& ip, SteadyTime now) const;
  ServiceName recall_service(const DropKey& key, SteadyTime now) const;

  // Hands on whatever has waited long enough, or for a Pod that is there now.
  void tick(const Moment& now);
  SteadyTime next_due() const;
  // At exit: nobody waits any longer, everyone is handed on with what is known.
  void give_up();

  // For a next process: those that wait.
  void save(SavedState& out) const;

  std::size_t waiting() const { return waiting_.size(); }

 private:
  struct Waiting {
    DropSummary drop;
    Ends ends;
    Told told;
    SteadyTime deadline{};
    int answers_due = 0;
    bool for_a_pod = false;  // that may be about to get one of the addresses
  };
  using Id = std::uint64_t;
  // Who is asked for an address that nobody knows.
  enum class Stage : std::uint8_t { kPods, kServices, kDns, kNone };

  void wait_for(const DropSummary& drop, Ends ends, Told told, const Moment& now);
  void ask_for_end(Id id, Owner Ends::*end, Stage stage, SteadyTime now);
  void ask_for_service(Id id, Stage stage, SteadyTime now);
  void answered(Id id);
  void look_again(std::map<Id, Waiting>::iterator it, const Moment& now);
  void hand_on(std::map<Id, Waiting>::iterator it);
  LookupCache* whom(Stage stage) const;
  static Stage after(Stage stage) { return static_cast<Stage>(static_cast<int>(stage) + 1); }

  PodIndex& pods_;
  Lookups lookups_;
  Located located_;
  LocatorOptions options_;
  std::map<Id, Waiting> waiting_;  // the longest first
  Id next_id_ = 0;
  std::uint64_t pods_version_ = 0;  // that the waiting ones were compared with
};

}  // namespace kube_nflog
