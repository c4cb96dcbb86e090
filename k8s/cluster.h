// SPDX-License-Identifier: Apache-2.0
// Cluster: builds what the command line asks of the Kubernetes side: a file of Pods, or all that
// talks to the API server, and where Events go. Opened by main(), then used on the deliver thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/error.h"
#include "core/metrics.h"
#include "core/options.h"
#include "k8s/event_json.h"
#include "k8s/event_writer.h"
#include "k8s/http_client.h"
#include "k8s/locator.h"
#include "k8s/peer_name.h"
#include "k8s/pod_index.h"
#include "k8s/pod_lookup.h"
#include "k8s/pod_watch.h"
#include "k8s/poller.h"
#include "k8s/reverse_dns.h"
#include "k8s/service_lookup.h"

namespace kube_nflog {

// As the API knows it: --node-name, else what own_node.h finds. Null: nobody to ask.
Result<std::string> node_name(const Options& options, HttpClient* http);

class Cluster {
 public:
  // Reads files but asks no server, unless --node-name is missing: that an API server is away is no
  // reason not to start. `dice` is uniform in [0, 1) and called on the deliver thread; `metrics`
  // must outlive this.
  static Result<std::unique_ptr<Cluster>> open(const Options& options, Metrics& metrics,
                                               const std::function<double()>& dice);

  PodIndex& pods() { return pods_; }
  PodFeed* feed() { return watch_ ? &*watch_ : nullptr; }  // null: the index is complete
  Lookups lookups();                                       // those that there are
  EventWriter& writer() { return *writer_; }
  Poller& poller() { return http_ ? static_cast<Poller&>(*http_) : offline_; }
  PeerStyle style() const { return {naming_.by, detail_}; }

 private:
  Cluster(PeerNaming naming, PeerDetail detail) : naming_(std::move(naming)), detail_(detail) {}
  Result<> load(const std::string& pods_file, Metrics& metrics);
  Result<> connect(const Options& options, Metrics& metrics);
  void follow_pods(const Options& options, const std::string& node, Metrics& metrics,
                   const std::function<double()>& dice);
  Result<> open_dns(const Options& options, Metrics& metrics);

  PeerNaming naming_;
  PeerDetail detail_;
  PodIndex pods_;
  EventfdPoller offline_;
  std::unique_ptr<HttpClient> http_;  // null: offline
  std::optional<PodWatch> watch_;
  std::optional<PodLookup> pod_lookup_;
  std::optional<ServiceLookup> service_lookup_;
  std::unique_ptr<ReverseDns> reverse_dns_;  // null: not wanted
  std::unique_ptr<EventWriter> writer_;
};

}  // namespace kube_nflog
