// SPDX-License-Identifier: Apache-2.0
// Under which labels a drop is counted in drops_total. Pure, no allocation. Used by deliver.
#pragma once

#include <cstdint>

#include "core/drop.h"
#include "core/metrics.h"
#include "k8s/event.h"

namespace kube_nflog {

constexpr DropWay drop_way(Direction direction) {
  return direction == Direction::kReceiving ? DropWay::kReceiving : DropWay::kSending;
}
DropProtocol drop_protocol(std::uint8_t protocol);  // IPPROTO_*
// By the words of the Event's clause: see Cause.
DropCause drop_cause(const Cause* cause);

}  // namespace kube_nflog
