// SPDX-License-Identifier: Apache-2.0
// What a drop's peer is called in the other end's Event: the choices of --peer-name and
// --peer-detail. Used by describe.
#pragma once

#include <string>
#include <string_view>

#include "core/error.h"
#include "core/options.h"
#include "k8s/owner.h"
#include "k8s/pod.h"

namespace kube_nflog {

struct PeerNaming {
  enum class By { kWorkload, kName, kNamespace, kLabel } by = By::kWorkload;
  std::string label_key{};  // of kLabel; pod_json keeps that label's value in Pod::label
};

// `workload`, `name`, `namespace` or `label:KEY`; anything else is an Error (Exit::kUsage).
Result<PeerNaming> parse_peer_naming(std::string_view text);

// How a peer is told of.
struct PeerStyle {
  PeerStyle(PeerNaming::By how, PeerDetail how_much = PeerDetail::kFull)
      : by(how), detail(how_much) {}
  PeerNaming::By by;
  PeerDetail detail;
};

// A Pod: ns/workload, ns/pod, ns, or the label's value (the Pod's name where it has no such label).
// The workload is what its author named: the Deployment, StatefulSet, DaemonSet, Job, CronJob or
// static Pod; a Pod without one is its own. A Service: ns/service or ns. Else the node's or the
// host's name. Empty: nothing is known, or may be told in an Event of the namespace `reader`.
std::string peer_name(const Owner& owner, PeerStyle style, std::string_view reader);
// Whether that Event may name the peer Pod itself.
bool may_name_pod(const Pod& pod, PeerDetail detail, std::string_view reader);
// Whether it may name a Service.
bool may_name_service(const ServiceName& service, PeerDetail detail, std::string_view reader);

// The workload that a Pod is counted under: its own name where it is nobody's. It lives as long as
// the Pod.
std::string_view workload_of(const Pod& pod);

}  // namespace kube_nflog
