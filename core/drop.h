// SPDX-License-Identifier: Apache-2.0
// The vocabulary: what a dropped packet is (Drop), when two are the same (DropKey), and what
// crosses from the ingest thread to the deliver thread (DropSummary). All plain values.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>

#include "core/clock.h"
#include "core/interfaces.h"
#include "core/ip.h"

namespace kube_nflog {

// Why the packet was dropped, as far as the rule tells: the CAUSE clause of the Event's message,
// such as `denied by NetworkPolicy shop/default-deny` or `by rule "my-prefix"`. Immutable, owned by
// the CauseTable, lives as long as the process: so a pointer to it is a key and crosses threads
// freely.
struct Cause {
  std::string clause;
};

// Where the sender had addressed its packets before the node's NAT rewrote their destination:
// mostly a Service. Immutable and lasting as a Cause is; owned by the source, which outlives the
// deliver thread.
struct ServiceAddress {
  IpAddr address;
  std::uint16_t port = 0;  // 0: the protocol has none

  bool operator==(const ServiceAddress&) const = default;
};

// What `detail` of a key holds.
enum class Detail : std::uint8_t {
  kNone,  // unknown or port-less protocol, a later fragment, a payload cut before the ports
  kPort,  // the destination port
  kIcmp,  // type << 8 | code
};

// What a key stands for. Only the fold (core/dedupe) makes others than kFlow, when there are too
// many flows to tell apart.
enum class Fold : std::uint8_t {
  kFlow,          // one source
  kSources,       // many sources: `src` is empty
  kPorts,         // many sources, ports and ICMP types: `src` is empty, `detail_kind` kNone
  kDestinations,  // many destinations: `dst` is empty; `detail_kind` kNone where it differs
};

// Two drops with equal keys are repeats. Never holds the source port. Numbers in host order.
struct DropKey {
  std::uint16_t detail = 0;
  Detail detail_kind = Detail::kNone;
  std::uint8_t protocol = 0;  // IPPROTO_*
  IpAddr src, dst;
  Fold fold = Fold::kFlow;
  std::uint8_t reserved = 0;     // no padding: the key is hashed and compared as bytes
  const Cause* cause = nullptr;  // null: the rule gave no reason
  // Two Services of one Pod are two facts. Null: not rewritten, or not known. A pointer, so that
  // the key, of which there are many, does not grow by another address.
  const ServiceAddress* service = nullptr;

  bool operator==(const DropKey&) const = default;
};
static_assert(sizeof(DropKey) == 56 && std::has_unique_object_representations_v<DropKey>);

// One dropped packet.
struct Drop {
  DropKey key;
  SystemTime time;
  std::uint16_t src_port = 0;  // only to tell noise (DHCP); 0 where there is none
  // A TCP packet without SYN: a connection that broke, not one that a policy refused.
  bool mid_stream = false;
  // Its frame was sent to every station of an Ethernet. No part of the key: noise, or not told.
  bool link_broadcast = false;
  // Immutable and lasting as a ServiceAddress is. Null: not known. No part of the key: one flow may
  // come by several ways.
  const Interfaces* interfaces = nullptr;
};

// `count` packets of one key since the last summary of that key.
struct DropSummary {
  DropKey key;
  std::uint64_t count = 0;
  SystemTime first, last;
  IpAddr example{};  // one of the sources or destinations, where key.fold says that there are many
  const Interfaces* interfaces = nullptr;  // of the first of them

  // No packets: what came before it belongs to a cut (core/cut.h).
  static DropSummary mark() { return {}; }
  bool is_mark() const { return count == 0; }
};
static_assert(std::is_trivially_copyable_v<DropSummary>);

}  // namespace kube_nflog
