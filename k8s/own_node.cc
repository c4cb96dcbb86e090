// SPDX-License-Identifier: Apache-2.0
#include "k8s/own_node.h"

#include <unistd.h>

#include <array>
#include <climits>
#include <fstream>
#include <optional>
#include <thread>
#include <utility>

#include "core/clock.h"
#include "core/log.h"
#include "k8s/names.h"
#include "k8s/pod_json.h"

namespace kube_nflog {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPause{500};

// Where an answer is bound to come: the request has a time-out.
HttpResponse ask(HttpClient& http, std::string path, milliseconds timeout) {
  std::optional<HttpResponse> answer;
  http.send({.path = std::move(path), .timeout = timeout},
            [&answer](HttpResponse response) { answer = std::move(response); });
  while (!answer) http.poll(timeout);
  return std::move(*answer);
}

std::string first_word(const std::string& path) {
  std::ifstream file(path);
  std::string word;
  file >> word;
  return word;
}

}  // namespace

std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

Result<std::string> find_own_node(HttpClient& http, const ClusterEnv& env, const std::string& host,
                                  milliseconds patience) {
  const std::string ns = first_word(env.directory + "/namespace");
  if (env.host.empty() || !is_dns_label(ns) || !is_dns_subdomain(host)) return host;
  const std::string path = "/api/v1/namespaces/" + ns + "/pods/" + host;
  const SteadyTime deadline = steady_now() + patience;
  while (true) {
    const HttpResponse answer = ask(http, path, patience);
    if (answer.status == 200) {
      const Result<Pod> pod = parse_pod(answer.body, "");
      return pod && !pod->node_name.empty() ? pod->node_name : host;
    }
    if (answer.status == 403) {
      log::warn("We may not get the Pod that we are, so this node is taken for " + host +
                ", the name of this host. If the API server calls it otherwise, set "
                "KUBE_NFLOG_NODE_NAME from spec.nodeName (the downward API), as deploy/ does.");
      return host;
    }
    if (answer.status == 404) return host;
    if (steady_now() + kPause >= deadline) {
      return fail(
          "Cannot find out which node this is: " + answer.outcome() +
              ". Set KUBE_NFLOG_NODE_NAME from spec.nodeName (the downward API), as deploy/ does; "
              "then the API server need not be there for a start.",
          Exit::kUnavailable);
    }
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace kube_nflog
