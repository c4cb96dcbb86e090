// SPDX-License-Identifier: Apache-2.0
#include "k8s/cluster.h"

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/log.h"
#include "k8s/credentials.h"
#include "k8s/event_poster.h"
#include "k8s/own_node.h"
#include "k8s/pod_list.h"
#include "k8s/stdout_sink.h"

namespace kube_nflog {

namespace {
constexpr std::chrono::seconds kPatience{10};  // SIGTERM waits as long
}

Result<std::string> node_name(const Options& options, HttpClient* http) {
  if (!options.node_name.empty()) return options.node_name;
  const bool in_cluster = http != nullptr && options.kubeconfig.empty();
  return in_cluster ? find_own_node(*http, cluster_env(), host_name(), kPatience) : host_name();
}

Result<std::unique_ptr<Cluster>> Cluster::open(const Options& options, Metrics& metrics,
                                               const std::function<double()>& dice) {
  Result<PeerNaming> naming = parse_peer_naming(options.peer_name);
  if (!naming) return fail(naming.error());
  std::unique_ptr<Cluster> cluster(new Cluster(std::move(*naming), options.peer_detail));
  Result<> ready = options.pods_file.empty() ? cluster->connect(options, metrics)
                                             : cluster->load(options.pods_file, metrics);
  if (!ready) return fail(ready.error());
  Result<std::string> node = node_name(options, cluster->http_.get());
  if (!node) return fail(node.error());
  const EventAuthor author{options.event_reason, options.event_component, std::move(*node)};
  if (cluster->http_) cluster->follow_pods(options, author.node, metrics, dice);
  if (Result<> dns = cluster->open_dns(options, metrics); !dns) return fail(dns.error());
  if (options.sink == SinkChoice::kKubernetes) {
    cluster->writer_ = std::make_unique<EventPoster>(*cluster->http_, metrics, author);
  } else {
    cluster->writer_ = std::make_unique<StdoutSink>(STDOUT_FILENO, options.format, author, metrics);
  }
  return cluster;
}

Result<> Cluster::load(const std::string& pods_file, Metrics& metrics) {
  Result<std::vector<Pod>> pods = load_pods_file(pods_file, naming_.label_key);
  if (!pods) return fail(pods.error());
  pods_.replace(std::move(*pods), steady_now());
  metrics.pods_cached.set(static_cast<std::int64_t>(pods_.size()));
  return {};
}

Result<> Cluster::connect(const Options& options, Metrics& metrics) {
  Result<ApiConfig> api = find_api(options.api_server, options.kubeconfig, cluster_env());
  if (!api) return fail(api.error());
  log::info("API server " + api->server + " by " + api->origin);
  Result<std::unique_ptr<HttpClient>> http = HttpClient::create(std::move(*api), metrics);
  if (!http) return fail(http.error());
  http_ = std::move(*http);
  return {};
}

void Cluster::follow_pods(const Options& options, const std::string& node, Metrics& metrics,
                          const std::function<double()>& dice) {
  log::info("This is node " + node + ".");
  const bool whole_cluster = options.pod_scope == PodScope::kCluster;
  watch_.emplace(
      *http_, pods_, metrics,
      PodWatchOptions{.node_name = whole_cluster ? "" : node, .label_key = naming_.label_key},
      steady_now, dice);
  const LookupLimits limits{.burst = static_cast<double>(options.lookup_burst),
                            .refill = options.lookup_interval};
  pod_lookup_.emplace(*http_, metrics,
                      PodLookupOptions{.limits = limits, .label_key = naming_.label_key});
  if (options.service_lookup)
    service_lookup_.emplace(*http_, metrics, ServiceLookupOptions{.limits = limits});
}

Result<> Cluster::open_dns(const Options& options, Metrics& metrics) {
  if (!options.reverse_dns) return {};
  Result<std::unique_ptr<ReverseDns>> dns =
      ReverseDns::create(metrics, {.server = options.dns_server});
  if (!dns) return fail(dns.error());
  reverse_dns_ = std::move(*dns);
  poller().invite(*reverse_dns_);
  return {};
}

Lookups Cluster::lookups() {
  return {pod_lookup_ ? &*pod_lookup_ : nullptr, service_lookup_ ? &*service_lookup_ : nullptr,
          reverse_dns_.get()};
}

}  // namespace kube_nflog
