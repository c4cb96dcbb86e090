// SPDX-License-Identifier: Apache-2.0
#include "k8s/own_node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/fakes/temporary_directory.h"
#include "tests/fakes/tiny_server.h"
#include "tests/k8s/ask.h"

namespace kube_nflog {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

class OwnNode : public testing::Test {
 protected:
  OwnNode() { write_namespace("logging\n"); }
  void write_namespace(const std::string& text) { directory_.write("namespace", text); }
  Result<std::string> find(const TinyServer& server, const std::string& host = "agent-x1y2z") {
    const ClusterEnv env{.host = "10.96.0.1", .port = "443", .directory = directory_.path()};
    return find_own_node(*client_for(server, metrics_), env, host, 1200ms);
  }

  TemporaryDirectory directory_;
  Metrics metrics_;
};

TEST_F(OwnNode, IsThatOfThePodWithOurHostName) {
  const TinyServer server(always(TinyServer::answer(
      200, R"({"metadata":{"name":"agent-x1y2z","namespace":"logging","uid":"u"},)"
           R"("spec":{"nodeName":"worker-7"}})")));
  EXPECT_EQ(find(server).value(), "worker-7");
  EXPECT_THAT(server.requests().at(0),
              StartsWith("GET /api/v1/namespaces/logging/pods/agent-x1y2z "));
}

TEST_F(OwnNode, IsTheHostWhereThereIsNoSuchPodOrNothingToBeSeen) {
  for (const std::string& answer :
       {TinyServer::answer(404, ""), TinyServer::answer(403, ""), TinyServer::answer(200, "{}"),
        TinyServer::answer(200, R"({"metadata":{"name":"a","namespace":"b","uid":"u"}})")}) {
    const TinyServer server(always(answer));
    EXPECT_EQ(find(server, "worker-3").value(), "worker-3") << answer;
    EXPECT_EQ(server.requests().size(), 1U) << answer;
  }
}

TEST_F(OwnNode, IsNotAskedForByWhatIsNoName) {
  const TinyServer server(always(TinyServer::answer(200, "{}")));
  EXPECT_EQ(find(server, "../nodes/x").value(), "../nodes/x");
  write_namespace("../../x");
  EXPECT_EQ(find(server).value(), "agent-x1y2z");
  write_namespace("");
  EXPECT_EQ(find(server).value(), "agent-x1y2z");
  EXPECT_EQ(server.requests().size(), 0U);
}

TEST_F(OwnNode, IsAskedForAgainForAWhile) {
  const TinyServer server(always(TinyServer::answer(503, "")));
  const Result<std::string> node = find(server);
  ASSERT_FALSE(node);
  EXPECT_EQ(node.error().exit, Exit::kUnavailable);
  EXPECT_THAT(node.error().what, HasSubstr("KUBE_NFLOG_NODE_NAME"));
  EXPECT_GT(server.requests().size(), 1U);
}

}  // namespace
}  // namespace kube_nflog
