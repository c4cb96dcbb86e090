// SPDX-License-Identifier: Apache-2.0
#include "k8s/service_lookup.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/fakes/fake_http.h"
#include "tests/k8s/make.h"

namespace kube_nflog {
namespace {

using namespace std::chrono_literals;
using make::ip;

constexpr SteadyTime kStart{std::chrono::hours(1)};

class ServiceLookupTest : public testing::Test {
 protected:
  void resolve(std::string_view address, SteadyTime now = kStart) {
    lookup.resolve(ip(address), now, [this](const Owner& owner) {
      answers.push_back(owner.service.ns + "/" + owner.service.name);
    });
  }
  static std::string item(const std::string& name, const std::string& address) {
    return R"({"metadata":{"namespace":"payments","name":")" + name +
           R"("},"spec":{"type":"ClusterIP","clusterIP":")" + address + R"(","clusterIPs":[")" +
           address + R"("],"ports":[{"port":5432}]}})";
  }
  void answer(const std::string& items) {
    http.answer(
        200, R"({"kind":"ServiceList","apiVersion":"v1","metadata":{},"items":[)" + items + "]}");
  }
  std::uint64_t count(LookupResult result) const { return metrics.service_lookups[result].value(); }

  FakeHttp http;
  Metrics metrics;
  ServiceLookup lookup{http, metrics, {}};
  std::vector<std::string> answers;
};

TEST_F(ServiceLookupTest, AsksForTheClusterAddress) {
  resolve("10.96.0.17");
  EXPECT_EQ(http.last().path,
            "/api/v1/services?resourceVersion=0&fieldSelector=spec.clusterIP%3D10.96.0.17");
  answer(item("ledger-db", "10.96.0.17"));
  EXPECT_EQ(answers, std::vector<std::string>{"payments/ledger-db"});
  resolve("10.96.0.17", kStart + 299s);
  EXPECT_EQ(http.size(), 1U);
  EXPECT_EQ(count(LookupResult::kFound), 1U);
  EXPECT_EQ(count(LookupResult::kCached), 1U);
  resolve("fd00:10:96::11");
  answer(item("six", "fd00:10:96:0::11"));
  EXPECT_EQ(answers.back(), "payments/six");
}

TEST_F(ServiceLookupTest, OneThatWasNotAskedForIsNotBelieved) {
  resolve("10.96.0.17");
  answer(item("other", "10.96.0.18") + "," + item("No/Name", "10.96.0.17") + "," +
         item("headless", "None"));
  EXPECT_EQ(answers.back(), "/");
  EXPECT_EQ(count(LookupResult::kNotFound), 1U);
}

TEST_F(ServiceLookupTest, AnOldServerIsNotAskedAgain) {
  resolve("10.96.0.17");
  http.answer(400, R"({"kind":"Status","message":"field label not supported: spec.clusterIP"})");
  EXPECT_EQ(answers.back(), "/");
  for (int n = 1; n <= 20; ++n) resolve("10.96.1." + std::to_string(n), kStart + 5h);
  EXPECT_EQ(http.size(), 1U);
  EXPECT_EQ(count(LookupResult::kPaused), 20U);
  resolve("10.96.0.17", kStart + 7h);  // it may have been upgraded
  EXPECT_EQ(http.size(), 2U);
}

TEST_F(ServiceLookupTest, AServerThatForbidsItIsLeftAloneForAWhile) {
  resolve("10.96.0.17");
  http.answer(403, "");
  resolve("10.96.0.18", kStart + 599s);
  EXPECT_EQ(http.size(), 1U);
  resolve("10.96.0.18", kStart + 600s);
  EXPECT_EQ(http.size(), 2U);
}

TEST_F(ServiceLookupTest, OtherTroubleIsSoonTriedAgain) {
  SteadyTime now = kStart;
  for (const char* body :
       {R"({"kind":"PodList","items":[]})", R"({"kind":"ServiceList","items":[)", "<html>", ""}) {
    resolve("10.96.0.17", now);
    ASSERT_EQ(http.open(), 1U) << body;
    http.answer(200, body);
    EXPECT_EQ(answers.back(), "/") << body;
    now += 11s;
  }
  EXPECT_EQ(count(LookupResult::kError), 4U);
}

}  // namespace
}  // namespace kube_nflog
