// SPDX-License-Identifier: Apache-2.0
// Pod: the dozen fields of a Pod that this agent keeps. Filled by pod_json, kept by pod_index.
#pragma once

#include <string>
#include <vector>

#include "core/clock.h"
#include "core/ip.h"

namespace kube_nflog {

struct Pod {
  std::string ns, name;
  // metadata.uid, which is also the key; event_uid() is what Events must carry.
  std::string uid;
  // The kubernetes.io/config.mirror annotation: kubectl describe looks for a static Pod's Events by
  // this value instead of the uid (kubectl pkg/describe). Empty for ordinary Pods.
  std::string mirror_uid;
  std::string node_name;
  std::string owner_kind, owner_name;  // the controller in ownerReferences; empty: none
  std::string template_hash;           // label pod-template-hash, to cut it off a ReplicaSet's name
  std::string label;                   // the value of the label that --peer-name=label:KEY asks for
  std::vector<IpAddr> ips;             // every status.podIPs[], else status.podIP
  std::vector<IpAddr> host_ips;        // status.hostIPs[], else status.hostIP
  SystemTime created{};                // metadata.creationTimestamp: the youngest owns an address
  bool host_network = false;
  bool finished = false;  // phase Succeeded or Failed: its addresses may belong to others by now

  const std::string& event_uid() const { return mirror_uid.empty() ? uid : mirror_uid; }
};

}  // namespace kube_nflog
