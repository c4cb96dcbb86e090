// SPDX-License-Identifier: Apache-2.0
#include "k8s/peer_name.h"

#include <charconv>
#include <chrono>
#include <cstdint>

#include "k8s/host_name.h"

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
// 2160), seconds (10 digits) before Kubernetes 1.21. A number that is not about the time when the
// Pod was made is part of somebody's own name, such as a date.
std::string_view without_schedule_time(std::string_view name, SystemTime created) {
  using std::chrono::minutes;
  const std::size_t dash = name.rfind('-');
  if (dash == std::string_view::npos || dash == 0) return name;
  const std::string_view digits = name.substr(dash + 1);
  if (digits.size() != 8 && digits.size() != 10) return name;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return name;
  const SystemTime scheduled{digits.size() == 8 ? std::chrono::seconds(minutes(number))
                                                : std::chrono::seconds(number)};
  constexpr std::chrono::days kRetriedAtMost{30};
  const bool is_its_time =
      created == SystemTime() || std::chrono::abs(created - scheduled) <= kRetriedAtMost;
  return is_its_time ? name.substr(0, dash) : name;
}

// kubelet names a static Pod <name>-<node>.
std::string_view without_node(std::string_view name, std::string_view node) {
  const bool ends_in_it = !node.empty() && name.size() > node.size() + 1 && name.ends_with(node) &&
                          name[name.size() - node.size() - 1] == '-';
  return ends_in_it ? name.substr(0, name.size() - node.size() - 1) : name;
}

// Empty: the Pod is nobody's.
std::string_view workload(const Pod& pod) {
  // A static Pod's "controller" is its node, which would be no name for it.
  if (!pod.mirror_uid.empty() || pod.owner_kind == "Node") {
    return without_node(pod.name, pod.node_name);
  }
  if (pod.owner_kind == "ReplicaSet")
    return without_template_hash(pod.owner_name, pod.template_hash);
  if (pod.owner_kind == "Job") return without_schedule_time(pod.owner_name, pod.created);
  return pod.owner_name;
}

std::string in_namespace(const std::string& ns, std::string_view name) {
  return name.empty() ? ns : ns + '/' + std::string(name);
}

std::string pod_name(const Pod& pod, PeerNaming::By by, bool itself) {
  if (by == PeerNaming::By::kNamespace) return pod.ns;
  if (by == PeerNaming::By::kLabel && !pod.label.empty()) return pod.label;
  if (by == PeerNaming::By::kLabel && itself) return pod.name;
  const std::string_view name = by == PeerNaming::By::kName ? pod.name : workload(pod);
  return in_namespace(pod.ns, name.empty() && itself ? pod.name : name);
}

// Below a headless Service, DNS has the names of Pods.
std::string host_name(const std::string& host, PeerStyle style) {
  const bool names_a_pod = !service_of_host(host).empty() && !is_service_host(host);
  return style.detail == PeerDetail::kWorkload && names_a_pod ? host.substr(host.find('.') + 1)
                                                              : host;
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

bool may_name_pod(const Pod& pod, PeerDetail detail, std::string_view reader) {
  return detail == PeerDetail::kFull || (detail == PeerDetail::kIp && pod.ns == reader);
}

bool may_name_service(const ServiceName& service, PeerDetail detail, std::string_view reader) {
  return !service.empty() && (detail != PeerDetail::kIp || service.ns == reader);
}

std::string peer_name(const Owner& owner, PeerStyle style, std::string_view reader) {
  const bool only_ours = style.detail == PeerDetail::kIp;
  if (owner.pod) {
    if (only_ours && owner.pod->ns != reader) return {};
    return pod_name(*owner.pod, style.by, may_name_pod(*owner.pod, style.detail, reader));
  }
  if (!owner.service.empty() && owner.node.empty()) {
    if (!may_name_service(owner.service, style.detail, reader)) return {};
    const bool only_namespace = style.by == PeerNaming::By::kNamespace;
    return in_namespace(owner.service.ns, only_namespace ? "" : owner.service.name);
  }
  if (!owner.node.empty()) return only_ours ? "" : owner.node;
  if (only_ours && service_of_host(owner.host).ns != reader) return {};
  return host_name(owner.host, style);
}

std::string_view workload_of(const Pod& pod) {
  const std::string_view name = workload(pod);
  return name.empty() ? std::string_view(pod.name) : name;
}

}  // namespace kube_nflog
