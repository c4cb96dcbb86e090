// SPDX-License-Identifier: Apache-2.0
// ApiConfig: where the API server is and how to prove who we are. Made by credentials or
// kubeconfig, used by http_client. A plain value.
#pragma once

#include <string>

namespace kube_nflog {

// A thing that TLS needs: the path of a PEM file, or its content; both empty: none. The content
// wins.
struct Pem {
  std::string file;
  std::string content;
  bool empty() const { return file.empty() && content.empty(); }
};

struct ApiConfig {
  std::string server;  // "https://10.96.0.1:443", without a slash at the end
  Pem ca;              // none: the system's
  Pem client_cert, client_key;
  std::string token_file;  // re-read, since it rotates; wins over `token`
  std::string token;
  std::string tls_server_name;  // that the certificate must carry; empty: the host of `server`
  std::string proxy;            // empty: none, whatever the environment says
  bool insecure_skip_tls_verify = false;
  bool disable_compression = false;
  std::string origin;  // for messages: "the in-cluster ServiceAccount", "kubeconfig /x"
};

}  // namespace kube_nflog
