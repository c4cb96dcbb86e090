// SPDX-License-Identifier: Apache-2.0
#include "k8s/check_cluster.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>

#include "tests/fakes/tiny_server.h"

namespace kube_nflog {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

std::string date_header(std::time_t offset) {
  const std::time_t now = std::time(nullptr) + offset;
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[64];
  std::strftime(text, sizeof text, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
  return text;
}

// An API server in as far as --check asks one.
struct Served {
  std::time_t clock_offset = 0;
  std::string forbidden = "none";  // a verb
  int pods_on_node = 1;
  int status = 200;

  std::string answer_to(const std::string& request) const {
    const std::string date = date_header(clock_offset);
    if (status != 200) return TinyServer::answer(status, "{}", date);
    if (request.starts_with("GET /version ")) {
      return TinyServer::answer(200, R"({"major":"1","gitVersion":"v1.31.0"})", date);
    }
    if (request.starts_with("POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews ")) {
      const bool allowed = request.find("\"verb\":\"" + forbidden + "\"") == std::string::npos;
      return TinyServer::answer(201,
                                allowed ? R"({"status":{"allowed":true}})"
                                        : R"({"status":{"allowed":false,"reason":"no RBAC"}})",
                                date);
    }
    const std::string pod =
        R"({"metadata":{"name":"a","namespace":"b","uid":"c"},"spec":{"nodeName":"node-1"}})";
    return TinyServer::answer(200,
                              R"({"kind":"PodList","metadata":{},"items":[)" +
                                  (pods_on_node > 0 ? pod : std::string()) + "]}",
                              date);
  }
};

std::string check_against(const Served& served, SinkChoice sink = SinkChoice::kKubernetes) {
  const TinyServer server(
      [&served](const TinyServer::Connection& connection, const std::string& request) {
        return connection.write(served.answer_to(request));
      });
  Options options;
  options.api_server = server.url();
  options.node_name = "node-1";
  options.sink = sink;
  return print(check_cluster(options), false);
}

TEST(CheckCluster, AllIsWell) {
  EXPECT_EQ(check_against({}),
            "ok    API server  Kubernetes v1.31.0 answers, by --api-server, without credentials.\n"
            "ok    clock       It agrees with the API server's.\n"
            "ok    RBAC        We may list pods.\n"
            "ok    RBAC        We may watch pods.\n"
            "ok    RBAC        We may list services.\n"
            "ok    RBAC        We may create events.\n"
            "ok    RBAC        We may get events.\n"
            "ok    RBAC        We may patch events.\n"
            "ok    node        The API server knows Pods on node node-1.\n");
}

TEST(CheckCluster, WhatWeDoNotDoWeNeedNotBeAllowed) {
  EXPECT_THAT(check_against({.forbidden = "create"}, SinkChoice::kStdout),
              Not(HasSubstr("events")));
}

TEST(CheckCluster, AVerbThatIsMissingIsNamed) {
  EXPECT_THAT(check_against({.forbidden = "patch"}),
              HasSubstr("FAIL  RBAC        We may not patch events in all namespaces (no RBAC). "
                        "Give our ServiceAccount a ClusterRole with it"));
}

TEST(CheckCluster, AClockThatIsWrongIsAWarning) {
  EXPECT_THAT(
      check_against({.clock_offset = 100}),
      testing::ContainsRegex("warn  clock       It is (9[89]|100) s behind the API server's"));
  EXPECT_THAT(check_against({.clock_offset = -100}),
              testing::ContainsRegex("warn  clock       It is (9[89]|100) s ahead of the API"));
}

TEST(CheckCluster, ANodeThatTheServerDoesNotKnowIsAWarning) {
  EXPECT_THAT(check_against({.pods_on_node = 0}),
              HasSubstr("warn  node        The API server knows no Pod on node node-1: is that"));
}

TEST(CheckCluster, CredentialsThatAreRefusedEndIt) {
  const std::string text = check_against({.status = 401});
  EXPECT_THAT(text, StartsWith("FAIL  API server  It does not take our credentials (401)"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

TEST(CheckCluster, AnAnswerThatIsNoneEndsIt) {
  const TinyServer server([](const TinyServer::Connection&, const std::string&) { return false; });
  Options options;
  options.api_server = server.url();
  const std::string text = print(check_cluster(options), false);
  EXPECT_THAT(text, StartsWith("FAIL  API server  " + server.url()));
  EXPECT_THAT(text, EndsWith("The way there is by --api-server, without credentials.\n"));
}

TEST(CheckCluster, AServerThatRefusesAllIsNotCalledWell) {
  const std::string text = check_against({.status = 500});
  EXPECT_THAT(text, HasSubstr("cannot be asked: it answers 500."));
  EXPECT_THAT(text, HasSubstr("warn  node        The Pods of node node-1 cannot be listed"));
}

TEST(CheckCluster, AFileOfPodsStandsInForTheServer) {
  Options options;
  options.pods_file = "/nonexistent";
  EXPECT_THAT(print(check_cluster(options), false), StartsWith("FAIL  pods  "));
}

}  // namespace
}  // namespace kube_nflog
