// SPDX-License-Identifier: Apache-2.0
// PolicyJoin: which policies may have denied a packet that k3s logged. Its rules log a hint for
// every policy that has not allowed the packet *yet*, and a verdict, without a prefix, once none
// has; here the hints are held until their packet's verdict comes, or for 200 ms. Used by
// nflog/intake on the ingest thread; no allocation in steady state.
//
// What a packet's records look like (k3s-io/kube-router pkg/controllers/netpol/policy.go, pod.go;
// learned from captures of the real controller, tests/fixtures/nflog/kube-router):
// - they are one family and one payload, hints first, the verdict last; an allowed packet has hints
//   and no verdict;
// - a packet between two Pods of the node walks the chain of the one, and, if that passes it, the
//   other's. Mark 0x20000 says that a chain has passed it: with it, the verdict is the second
//   chain's, and hints without it are those of a Pod that allowed the packet;
// - a packet that stays on the bridge walks each chain twice, and the second walk of the first
//   chain logs the same hints again, now marked.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "core/drop.h"
#include "nflog/message.h"

namespace kube_nflog {

class PolicyJoin {
 public:
  static constexpr std::size_t kMaxHints = 64;  // of one packet; more are counted, not named

  // At most `capacity` packets have their hints held; then the oldest gives way.
  explicit PolicyJoin(std::size_t capacity = 1024);

  // `time` is the record's, of the kernel's clock. `policy` is what it names; null: nobody knows.
  void hint(const Record& record, const Cause* policy, SystemTime time);

  // The policies, each once, that may have denied the packet; often not all of them, for the rules
  // log 10 a minute; none where the hints could be those of an innocent. Ends the packet. The span
  // is valid until the next call.
  std::span<const Cause* const> verdict(const Record& record);

  // Records were lost just before `time`: whose hints are held or come within a moment may be
  // incomplete, and an incomplete list can blame the first chain's policies for the second's
  // verdict.
  void lost(SystemTime time);

  // Once per wake-up, after all that had arrived was taken: forgets what was held through 200 ms of
  // such wake-ups. So a late reader forgets nothing whose verdict already waits in the socket.
  void settle(SteadyTime now);
  std::optional<SteadyTime> deadline() const;  // when settle() is next due

  // Hint records, since the last call, by what became of them.
  struct Counts {
    std::uint64_t joined = 0, unmatched = 0, overflow = 0;
  };
  Counts take_counts() { return std::exchange(counts_, {}); }

 private:
  struct Hint {
    const Cause* policy;
    bool passed;
  };
  struct Packet {
    SteadyTime deadline;
    std::uint64_t hash;  // of all bytes
    std::size_t size;    // of all bytes; `head` holds the first of them
    std::uint32_t next;  // in its bucket
    std::uint32_t records;
    std::uint16_t group;
    std::uint8_t family;
    bool live;
    bool whole;                   // as far as is known, no hint is missing
    std::uint32_t losses;         // when it began
    std::vector<std::byte> head;  // keeps its capacity, as does `hints`
    std::vector<Hint> hints;
  };
  static constexpr std::uint32_t kNone = UINT32_MAX;

  std::uint32_t find(const Record& record, std::uint64_t hash) const;
  Packet& begin(const Record& record, std::uint64_t hash, SystemTime time);
  void release(std::uint32_t index);
  void choose(const Packet& packet, const Record& record);
  bool near_loss(SystemTime time) const;
  std::uint32_t slot(std::uint64_t position) const {
    return static_cast<std::uint32_t>(position % capacity_);
  }

  std::size_t capacity_;
  std::vector<Packet> ring_;            // grows to the capacity, then no further
  std::uint64_t first_ = 0, end_ = 0;   // positions in the ring, by age
  std::uint64_t fresh_ = 0;             // from here on the hold has not begun
  std::size_t live_ = 0;                // the first is; of the others those that were not closed
  std::vector<std::uint32_t> buckets_;  // heads of lists of live packets
  SteadyTime settled_{};
  std::optional<SystemTime> loss_;  // the latest
  std::uint32_t losses_ = 0;
  std::vector<const Cause*> chosen_, stripped_;
  Counts counts_;
};

}  // namespace kube_nflog
