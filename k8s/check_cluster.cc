// SPDX-License-Identifier: Apache-2.0
#include "k8s/check_cluster.h"

#include <rapidjson/document.h>
#include <rapidjson/pointer.h>

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/clock.h"
#include "core/metrics.h"
#include "core/printable.h"
#include "k8s/cluster.h"
#include "k8s/credentials.h"
#include "k8s/http_client.h"
#include "k8s/names.h"
#include "k8s/pod_list.h"

namespace kube_nflog {
namespace {

constexpr std::chrono::seconds kPatience{5};   // for each answer
constexpr std::chrono::seconds kClockSkew{5};  // more shows in the age of Events

// An answer's value at a JSON pointer, if it is a text; empty: there is none.
std::string text_at(const std::string& body, const char* pointer) {
  rapidjson::Document document;  // iteratively: depth is the server's choice
  document.Parse<rapidjson::kParseIterativeFlag>(body.data(), body.size());
  if (document.HasParseError()) return {};
  const rapidjson::Value* const value = rapidjson::Pointer(pointer).Get(document);
  return value != nullptr && value->IsString() ? printable(value->GetString(), 300) : std::string();
}

bool true_at(const std::string& body, const char* pointer) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(body.data(), body.size());
  if (document.HasParseError()) return false;
  const rapidjson::Value* const value = rapidjson::Pointer(pointer).Get(document);
  return value != nullptr && value->IsBool() && value->GetBool();
}

// What we ask for on the API server, and why it matters.
struct Access {
  std::string_view verb, resource;
  Grade without = Grade::kFail;
};
constexpr std::array<Access, 2> kPodAccess{{{"list", "pods"}, {"watch", "pods"}}};
constexpr Access kOwnPodAccess{"get", "pods", Grade::kWarn};        // whose node is ours
constexpr Access kServiceAccess{"list", "services", Grade::kWarn};  // names less, and goes on
constexpr std::array<Access, 3> kEventAccess{
    {{"create", "events"}, {"get", "events"}, {"patch", "events"}}};

// One after the other, each with an answer or without.
class Asking {
 public:
  Asking(HttpClient& http, Findings& out) : http_(http), out_(out) {}

  HttpResponse ask(HttpRequest request) {
    request.timeout = kPatience;
    std::optional<HttpResponse> answer;
    http_.send(std::move(request),
               [&answer](HttpResponse response) { answer = std::move(response); });
    while (!answer) http_.poll(kPatience);
    return std::move(*answer);
  }

  // False: there is nobody to ask further.
  bool check_server(const std::string& origin) {
    const SystemTime before = system_now();
    const HttpResponse answer = ask({.path = "/version"});
    const SystemTime after = system_now();
    if (answer.status == 0) {
      out_.fail("API server", answer.error + ". The way there is by " + origin + ".");
      return false;
    }
    if (answer.status == 401) {
      out_.fail("API server", "It does not take our credentials (401), which are from " + origin +
                                  ". Is the token of this cluster, and not expired?");
      return false;
    }
    if (const std::string version = text_at(answer.body, "/gitVersion"); !version.empty()) {
      out_.ok("API server", "Kubernetes " + version + " answers, by " + origin + ".");
    } else {
      out_.warn("API server", "It does not tell its version (" + why(answer) + "), by " + origin +
                                  ". Is it one?");
    }
    if (answer.date) check_clock(*answer.date, before, after);
    return true;
  }

  void check_access(const Access& access) {
    const std::string what = std::string(access.verb) + " " + std::string(access.resource);
    const HttpResponse answer =
        ask({.verb = ApiVerb::kCreate,
             .path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
             .content_type = "application/json",
             .body = R"({"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview",)"
                     R"("spec":{"resourceAttributes":{"verb":")" +
                     std::string(access.verb) + R"(","resource":")" + std::string(access.resource) +
                     R"("}}})"});
    if (answer.status / 100 != 2) {
      out_.warn("RBAC", "Whether we may " + what + " cannot be asked: " + why(answer) + ".");
    } else if (true_at(answer.body, "/status/allowed")) {
      out_.ok("RBAC", "We may " + what + ".");
    } else {
      const std::string reason = text_at(answer.body, "/status/reason");
      out_.add(access.without, "RBAC",
               "We may not " + what + " in all namespaces" +
                   (reason.empty() ? "" : " (" + reason + ")") +
                   ". Give our ServiceAccount a ClusterRole with it, as in "
                   "deploy/kustomize/base/rbac.yaml.");
    }
  }

  void check_node_name(const std::string& node) {
    std::size_t pods = 0;
    PodListReader reader("", [&pods](const Pod&) { ++pods; });
    const HttpResponse answer = ask(
        {.verb = ApiVerb::kList,
         .path = "/api/v1/pods?limit=1&fieldSelector=" + percent_encode("spec.nodeName=" + node)});
    if (answer.status != 200 || !reader.feed(answer.body) || !reader.finish()) {
      out_.warn("node", "The Pods of node " + node + " cannot be listed: " + why(answer) + ".");
    } else if (pods == 0) {
      out_.warn("node", "The API server knows no Pod on node " + node +
                            ": is that this node's name there? Set KUBE_NFLOG_NODE_NAME from "
                            "spec.nodeName, or --node-name.");
    } else {
      out_.ok("node", "The API server knows Pods on node " + node + ".");
    }
  }

 private:
  static std::string why(const HttpResponse& answer) {
    return answer.status == 0 ? answer.error : "it answers " + std::to_string(answer.status);
  }

  void check_clock(SystemTime theirs, SystemTime before, SystemTime after) {
    using std::chrono::seconds;
    // Theirs is in whole seconds, of some moment between ours.
    SystemTime::duration off{};
    if (before > theirs + seconds(1)) off = before - (theirs + seconds(1));
    if (theirs > after) off = after - theirs;
    const auto whole = std::chrono::duration_cast<seconds>(off).count();
    if (whole >= -kClockSkew.count() && whole <= kClockSkew.count())
      return out_.ok("clock", "It agrees with the API server's.");
    out_.warn("clock", "It is " + std::to_string(whole < 0 ? -whole : whole) + " s " +
                           (whole < 0 ? "behind" : "ahead of") +
                           " the API server's, so Events will have a wrong age: does this node "
                           "synchronise its clock (NTP)?");
  }

  HttpClient& http_;
  Findings& out_;
};

void check_pods_file(const std::string& path, Findings& out) {
  const Result<std::vector<Pod>> pods = load_pods_file(path, "");
  if (!pods) return out.fail("pods", pods.error().what);
  out.ok("pods", path + " has " + std::to_string(pods->size()) + " Pods; no API server is asked.");
}

}  // namespace

Findings check_cluster(const Options& options) {
  Findings out;
  if (!options.pods_file.empty()) {
    check_pods_file(options.pods_file, out);
    return out;
  }
  Result<ApiConfig> api = find_api(options.api_server, options.kubeconfig, cluster_env());
  if (!api) {
    out.fail("API server", api.error().what);
    return out;
  }
  const std::string origin = api->origin;
  Metrics metrics;
  const Result<std::unique_ptr<HttpClient>> http = HttpClient::create(std::move(*api), metrics);
  if (!http) {
    out.fail("API server", http.error().what);
    return out;
  }
  Asking asking(**http, out);
  if (!asking.check_server(origin)) return out;
  for (const Access& access : kPodAccess) asking.check_access(access);
  if (options.node_name.empty()) asking.check_access(kOwnPodAccess);
  if (options.service_lookup) asking.check_access(kServiceAccess);
  if (options.sink == SinkChoice::kKubernetes)
    for (const Access& access : kEventAccess) asking.check_access(access);
  const Result<std::string> node = node_name(options, http->get());
  if (node)
    asking.check_node_name(*node);
  else
    out.fail("node", node.error().what);
  return out;
}

}  // namespace kube_nflog
