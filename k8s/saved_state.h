// SPDX-License-Identifier: Apache-2.0
// SavedState: what the deliver thread knows at a cut, as plain values and as bytes: each Event with
// what it has been told and what not, which peers have Events of their own, and the drops that wait
// for a look-up. Filled by deliver and its parts, kept by state_keeper.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/cause_table.h"
#include "core/clock.h"
#include "core/drop.h"
#include "core/interface_table.h"
#include "k8s/event.h"

namespace kube_nflog {

// Steady time means nothing to another process, so times are saved by the wall clock.
struct ClockPair {
  SystemTime wall{};
  SteadyTime steady{};

  SystemTime wall_time(SteadyTime t) const {
    return wall + std::chrono::duration_cast<std::chrono::microseconds>(t - steady);
  }
  // The wall clock may have been set meanwhile: not later than `latest`.
  SteadyTime steady_time(SystemTime t, SteadyTime latest) const {
    return std::min(steady + (t - wall), latest);
  }
};

struct SavedEvent {
  std::shared_ptr<const EventSubject> subject;
  EventRecord record;
  std::uint64_t ledger = 0;  // packets that the ledger has yet to hear of
  SystemTime not_before{};   // the next write
  SystemTime idle_since{};   // if it has nothing to tell
  std::chrono::milliseconds interval{0};
};

// A group of k8s/peer_fold. Of a log's drops, which have no Service address.
struct SavedPeers {
  struct Own {
    IpAddr peer;
    SystemTime last{};
  };
  std::uint64_t pod = 0;
  const Cause* cause = nullptr;
  std::uint16_t detail = 0;
  Detail detail_kind = Detail::kNone;
  std::uint8_t protocol = 0;
  Direction direction = Direction::kReceiving;
  SystemTime last{};
  std::vector<Own> own;
  // Of the shared Event; memory 0: there is none.
  std::uint32_t memory = 0;
  std::uint64_t event = 0;
  bool complete = true, full = false;
  IpAddr example;
  std::vector<IpAddr> others;  // sorted
  SystemTime shared_last{};
};

struct SavedDrop {
  DropSummary drop;
  std::optional<Direction> told;  // see Locator::Told
};

struct SavedState {
  SystemTime time{};   // of the cut
  std::string run_id;  // see EventBook
  std::uint64_t forgotten = 0;
  std::vector<SavedEvent> events;
  std::vector<SavedPeers> peers;
  std::vector<SavedDrop> drops;
};

std::string to_bytes(const SavedState& state);

// Null: not what to_bytes() makes. Whatever the bytes, what it gives is sound: every name and
// sentence is printable, every number within its bounds. Causes and interfaces are interned in what
// must outlive the result.
std::optional<SavedState> parse_saved_state(std::string_view bytes, CauseTable& causes,
                                            InterfaceTable& interfaces);

}  // namespace kube_nflog
