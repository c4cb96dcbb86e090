// SPDX-License-Identifier: Apache-2.0
// describe: turns a drop whose ends are located into the sentences that the Pods' owners read.
// Pure. Used by deliver.
#pragma once

#include <cstddef>
#include <string>

#include "core/drop.h"
#include "k8s/event.h"
#include "k8s/owner.h"
#include "k8s/peer_name.h"

namespace kube_nflog {

// The limit of the events.k8s.io/v1 note (kubernetes pkg/apis/core/validation/events.go): beyond it
// the Event could not be read and written again through that API.
inline constexpr std::size_t kMaxMessage = 1024;

enum class Peers { kOne, kMany };

// What is said on the Pod `self`, which must be one, of a drop from or to `peer`:
//   Packet dropped when (receiving traffic from|sending traffic to) NAME[ (IP: A)]
//   [ on port 8080/TCP| over ICMP echo-request| over protocol 47]
//   [ (Service payments/ledger-db 10.96.0.17:5432)| (Service address 10.96.0.17:5432)][: CAUSE].
// NAME is what peer_name() says, else the bare address. The same for every packet of a key (no
// counts, no source ports).
//
// kMany: of the Event that many peers share; `peer`, and its address in `key`, is an example.
// `service` is whose address key.service is, if that is known.
EventSubject describe(const DropKey& key, Direction direction, const Owner& self, const Owner& peer,
                      PeerStyle style, Peers peers = Peers::kOne, const ServiceName& service = {});

// The Event's message as of now. Of more than one peer it has, in the place of NAME[ (IP: A)]:
//   (37 addresses|at least 37 addresses|more than 256 addresses), e.g. NAME[ (IP: A)][,]
std::string message_of(const EventSubject& subject, const EventRecord& record);

}  // namespace kube_nflog
