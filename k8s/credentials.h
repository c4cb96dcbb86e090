// SPDX-License-Identifier: Apache-2.0
// Which API server to talk to and as whom: in-cluster, --api-server, --kubeconfig. Asked once by
// main(); TokenSource then belongs to http_client.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/error.h"
#include "core/metrics.h"
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
  TokenSource(const ApiConfig& config, Metrics& metrics);  // counts readings that fail

  // The token to send now; empty: none. Reads the file when the last reading is a minute old; a
  // file that cannot be read or is empty leaves the old token in use.
  const std::string& get(SteadyTime now);
  // The server refused `used`. True: there is another one by now, read again if need be.
  bool replace(std::string_view used, SteadyTime now);

 private:
  void read(SteadyTime now);

  Metrics& metrics_;
  std::string file_;
  std::string token_;
  SteadyTime next_read_{};
};

// What TLS needs, as PEM text; empty: none, or its file could not be read yet.
struct PemTexts {
  std::string ca, client_cert, client_key;
  bool operator==(const PemTexts&) const = default;
};

// The same for the CA and the client certificate, which rotate in their files as well. libcurl is
// given the text and not the path: so it makes a new connection when the text has changed, instead
// of going on with one of the old certificate.
class PemSource {
 public:
  PemSource(const ApiConfig& config, Metrics& metrics);

  // Reads the files when the last reading is a minute old. What cannot be read, or is no PEM,
  // leaves the old text in use; a certificate and its key change together or not at all.
  const PemTexts& get(SteadyTime now);
  // A number for the texts that get() gave last.
  std::uint64_t version() const { return version_; }
  // The texts of that version were refused, on one side or the other. True: there are others by
  // now.
  bool replace(std::uint64_t used, SteadyTime now);

 private:
  void read(SteadyTime now);
  std::string read_one(const Pem& pem, Credential which);

  Metrics& metrics_;
  Pem ca_, client_cert_, client_key_;
  PemTexts texts_;
  std::uint64_t version_ = 1;
  SteadyTime next_read_{};
};

}  // namespace kube_nflog
