// SPDX-License-Identifier: Apache-2.0
// describe: turns a drop whose ends are located into the sentences that the Pods' owners read.
// Pure. Used by deliver.
#pragma once

#include <cstddef>
#include <optional>

#include "core/drop.h"
#include "k8s/event.h"
#include "k8s/peer_name.h"
#include "k8s/pod_index.h"

namespace kube_nflog {

// The limit of the events.k8s.io/v1 note (kubernetes pkg/apis/core/validation/events.go): beyond it
// the Event could not be read and written again through that API.
inline constexpr std::size_t kMaxMessage = 1024;

struct Described {
  std::optional<EventSubject> receiving;  // on the destination, if it is a Pod
  std::optional<EventSubject> sending;    // on the source, if it is a Pod
};

// The message is the same for every packet of a key (no counts, no source ports), of this form:
//   Packet dropped when (receiving traffic from|sending traffic to) NAME[ (IP: A)]
//   [ on port 8080/TCP| over ICMP echo-request| over protocol 47]
//   [ (Service address 10.96.0.17:5432)][: CAUSE].
// NAME is the peer Pod's as --peer-name has it, else the node's, else the bare address.
Described describe(const DropKey& key, const Owner& source, const Owner& destination,
                   PeerNaming::By naming);

}  // namespace kube_nflog
