// SPDX-License-Identifier: Apache-2.0
// own_node: the name that the API has for the node we run on. Asked by main() through cluster,
// before there are threads.
#pragma once

#include <chrono>
#include <string>

#include "core/error.h"
#include "k8s/credentials.h"
#include "k8s/http_client.h"

namespace kube_nflog {

std::string host_name();

// Where nobody has told it. A Pod's host name is that of the Pod, unless it is in the host's
// network: so in a cluster, the Pod with our host name, in the namespace of our ServiceAccount, is
// asked for once, and is us. Is there none, or may we not read it, or are we not in a cluster, then
// it is the host's name. An error (Exit::kUnavailable): nobody has answered in `patience`.
Result<std::string> find_own_node(HttpClient& http, const ClusterEnv& env, const std::string& host,
                                  std::chrono::milliseconds patience);

}  // namespace kube_nflog
