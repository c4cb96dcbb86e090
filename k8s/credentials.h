// SPDX-License-Identifier: Apache-2.0
// Which API server to talk to and as whom: in-cluster, --api-server, --kubeconfig. Asked once by
// main(); TokenSource then belongs to http_client.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/error.h"
#include "k8s/api_config.h"

namespace kube_nflog {

// What the kubelet gives every Pod.
struct ClusterEnv {
  std::string host, port;  // KUBERNETES_SERVICE_HOST and _PORT
  std::string directory = "/var/run/secrets/kubernetes.io/serviceaccount";
};
ClusterEnv cluster_env();  // of this process

// The flags decide: a kubeconfig, else in-cluster. `api_server` replaces the server of either;
// alone (outside a cluster) it is used without credentials, as fits `kubectl proxy`. Errors are for
// the operator, Exit::kConfig.
Result<ApiConfig> find_api(const std::string& api_server, const std::string& kubeconfig,
                           const ClusterEnv& env);

// An http(s) URL with host, optional port and path, no user, query or fragment; plain http only to
// a loopback address, since tokens and Pods would pass in clear. Returns it without slashes at the
// end.
Result<std::string> check_server(std::string_view url);

// The bearer token, kept fresh: bound tokens live an hour and the kubelet replaces the file before.
class TokenSource {
 public:
  explicit TokenSource(const ApiConfig& config);

  // The token to send now; empty: none. Reads the file when the last reading is a minute old; a
  // file that cannot be read or is empty leaves the old token in use.
  const std::string& get(SteadyTime now);
  // The server refused `used`. True: there is another one by now, read again if need be.
  bool replace(std::string_view used, SteadyTime now);

 private:
  void read(SteadyTime now);

  std::string file_;
  std::string token_;
  SteadyTime next_read_{};
};

}  // namespace kube_nflog
