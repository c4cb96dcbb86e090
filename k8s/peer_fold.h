// SPDX-License-Identifier: Apache-2.0
// PeerFold: which peers of a Pod get Events of their own, and which share one, so that a hundred
// clients of one port, or a Pod that scans a network, make a handful of Events. Pure; owned by
// deliver, on the deliver thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/clock.h"
#include "core/drop.h"
#include "core/metrics.h"
#include "k8s/event.h"
#include "k8s/saved_state.h"

namespace kube_nflog {

struct PeerFoldOptions {
  std::size_t own = 10;                      // peers of a group with an Event each
  std::size_t told_apart = kPeersToldApart;  // addresses of a group's shared Event
  std::size_t addresses = 65'536;            // of all groups together, but for a first one each
  std::size_t groups = 8'192;                // the longest quiet goes first
  std::chrono::seconds forget{3'600};        // as the book forgets a quiet Event
};

// A group is what but for the peer would be one Event: Pod uid, direction, protocol, detail, cause,
// Service. A peer keeps what it has, an Event of its own or its part in the shared one, until that
// has been quiet for `forget`. When a bound is reached, the number of addresses becomes a lower
// bound, or a group is forgotten and begins anew; packets are counted all the same.
class PeerFold {
 public:
  PeerFold(PeerFoldOptions options, Metrics& metrics) : options_(options), metrics_(metrics) {}

  struct Place {
    std::uint64_t event = 0;  // EventSubject::key
    PeerCount peers{};        // of the shared Event; 0: the peer has its own
    IpAddr example{};         // of the shared Event: the same as long as the group remembers it
    bool shared() const { return peers.addresses > 0; }
  };
  // Which Event of this Pod, the drop's receiver or sender, counts these packets. Asked again, it
  // says the same. A drop that ingest has folded has many peers, so it is of the shared Event.
  Place place(std::string_view pod_uid, Direction direction, const DropSummary& drop,
              SteadyTime now);

  // For a next process, and at its start.
  void save(const ClockPair& clocks, SavedState& out) const;
  void restore(const SavedState& saved, const ClockPair& clocks);

  std::size_t groups() const { return groups_.size(); }
  std::size_t addresses() const { return addresses_; }

 private:
  struct Key {
    std::uint64_t pod = 0;  // hash of the uid, which is random: nobody can choose collisions
    const Cause* cause = nullptr;
    const ServiceAddress* service = nullptr;
    std::uint16_t detail = 0;
    Detail detail_kind = Detail::kNone;
    std::uint8_t protocol = 0;
    Direction direction = Direction::kReceiving;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const;
  };
  struct Own {
    IpAddr peer;
    std::uint64_t event = 0;
    SteadyTime last{};
  };
  // What the shared Event counts.
  struct Shared {
    std::uint64_t event = 0;
    std::uint32_t memory = 0;  // 0: there is no shared Event
    bool complete = true;
    bool full = false;  // an address came that was one too many
    IpAddr example;
    std::vector<IpAddr> others;  // sorted
    SteadyTime last{};
  };
  struct Group {
    Key key;
    std::vector<Own> own;
    Shared shared;
    SteadyTime last{};
  };

  Group& group_of(const Key& key, SteadyTime now);
  void forget_oldest();
  void forget(Shared& shared);
  Own* own_place(Group& group, const IpAddr& peer, SteadyTime now);
  bool remembers(const Shared& shared, const IpAddr& peer, SteadyTime now) const;
  void remember(Shared& shared, const IpAddr& peer);

  PeerFoldOptions options_;
  Metrics& metrics_;
  std::list<Group> groups_;  // the longest quiet first
  std::unordered_map<Key, std::list<Group>::iterator, KeyHash> by_key_;
  std::size_t addresses_ = 0;
  std::uint32_t memories_ = 0;
};

}  // namespace kube_nflog
