// SPDX-License-Identifier: Apache-2.0
#include "k8s/peer_name.h"

#include <algorithm>

namespace kube_nflog {
namespace {

// A Deployment names its ReplicaSets <deployment>-<pod-template-hash>, and its Pods carry that
// hash.
std::string_view without_template_hash(std::string_view name, std::string_view hash) {
  if (hash.empty() || name.size() <= hash.size() + 1 || !name.ends_with(hash)) return name;
  const std::string_view rest = name.substr(0, name.size() - hash.size());
  return rest.ends_with('-') ? rest.substr(0, rest.size() - 1) : name;
}

// A CronJob names its Jobs <cronjob>-<scheduled time>: minutes since the epoch (8 digits until
// 2160), seconds (10 digits) before Kubernetes 1.21.
std::string_view without_schedule_time(std::string_view name) {
  const std::size_t dash = name.rfind('-');
  if (dash == std::string_view::npos || dash == 0) return name;
  const std::string_view time = name.substr(dash + 1);
  const bool is_time =
      (time.size() == 8 || time.size() == 10) &&
      std::all_of(time.begin(), time.end(), [](char c) { return c >= '0' && c <= '9'; });
  return is_time ? name.substr(0, dash) : name;
}

std::string_view workload(const Pod& pod) {
  // A static Pod's "controller" is its node, which would be no name for it.
  if (pod.owner_name.empty() || pod.owner_kind == "Node") return pod.name;
  if (pod.owner_kind == "ReplicaSet")
    return without_template_hash(pod.owner_name, pod.template_hash);
  if (pod.owner_kind == "Job") return without_schedule_time(pod.owner_name);
  return pod.owner_name;
}

}  // namespace

Result<PeerNaming> parse_peer_naming(std::string_view text) {
  using By = PeerNaming::By;
  constexpr std::string_view kLabel = "label:";
  if (text == "workload") return PeerNaming{By::kWorkload, {}};
  if (text == "name") return PeerNaming{By::kName, {}};
  if (text == "namespace") return PeerNaming{By::kNamespace, {}};
  if (text.starts_with(kLabel) && text.size() > kLabel.size()) {
    return PeerNaming{By::kLabel, std::string(text.substr(kLabel.size()))};
  }
  return fail("--peer-name: '" + std::string(text) +
                  "' is not one of workload, name, namespace, label:KEY (for example "
                  "label:app.kubernetes.io/name).",
              Exit::kUsage);
}

std::string peer_name(const Pod& pod, PeerNaming::By by) {
  switch (by) {
    case PeerNaming::By::kNamespace:
      return pod.ns;
    case PeerNaming::By::kLabel:
      return pod.label.empty() ? pod.name : pod.label;
    case PeerNaming::By::kName:
      return pod.ns + '/' + pod.name;
    case PeerNaming::By::kWorkload:
      break;
  }
  return pod.ns + '/' + std::string(workload(pod));
}

}  // namespace kube_nflog
