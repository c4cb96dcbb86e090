// SPDX-License-Identifier: Apache-2.0
// What a Pod is called in the other end's Event: the choice of --peer-name. Used by describe.
#pragma once

#include <string>
#include <string_view>

#include "core/error.h"
#include "k8s/pod.h"

namespace kube_nflog {

struct PeerNaming {
  enum class By { kWorkload, kName, kNamespace, kLabel } by = By::kWorkload;
  std::string label_key{};  // of kLabel; pod_json keeps that label's value in Pod::label
};

// `workload`, `name`, `namespace` or `label:KEY`; anything else is an Error (Exit::kUsage).
Result<PeerNaming> parse_peer_naming(std::string_view text);

// ns/workload, ns/pod, ns, or the label's value (the Pod's name where it has no such label). The
// workload is what its author named: the Deployment, StatefulSet, DaemonSet, Job or CronJob; a Pod
// without one is its own.
std::string peer_name(const Pod& pod, PeerNaming::By by);

}  // namespace kube_nflog
