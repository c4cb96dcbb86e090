// SPDX-License-Identifier: Apache-2.0
// Owner: what an address is, as far as we know. Found by pod_index and the look-ups, told by
// describe.
#pragma once

#include <memory>
#include <string>

#include "core/ip.h"
#include "k8s/pod.h"

namespace kube_nflog {

struct ServiceName {
  std::string ns, name;
  bool empty() const { return name.empty(); }
};

// The first that is set says it.
struct Owner {
  std::shared_ptr<const Pod> pod{};  // null: not a Pod of its own
  std::string node{};                // the node with this address
  ServiceName service{};             // the Service with this cluster address
  std::string host{};                // its name by reverse DNS: is_host_name(), anybody's choice
  // The Pod was deleted before the packet: it may be another's that we do not know of yet.
  bool former = false;

  bool known() const { return pod || !node.empty() || !service.empty() || !host.empty(); }
};

// Whether anybody could tell whose it is; asking for others would only use up a budget.
inline bool may_have_an_owner(const IpAddr& ip) {
  return !ip.empty() && !ip.is_unspecified() && !ip.is_loopback() && !ip.is_multicast() &&
         !ip.is_limited_broadcast();
}

}  // namespace kube_nflog
