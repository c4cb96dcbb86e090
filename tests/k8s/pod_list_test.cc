// SPDX-License-Identifier: Apache-2.0
#include "k8s/pod_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "k8s/rfc3339.h"
#include "tests/k8s/fixture.h"

namespace kube_nflog {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> names(const std::vector<Pod>& pods) {
  std::vector<std::string> names;
  names.reserve(pods.size());
  for (const Pod& pod : pods) names.push_back(pod.ns + "/" + pod.name);
  return names;
}

TEST(PodList, ReadsAListHoweverItIsCut) {
  const std::string text = fixture("k8s/pod_list.json");
  for (const std::size_t piece :
       {std::size_t{1}, std::size_t{13}, std::size_t{4'096}, text.size()}) {
    std::vector<Pod> pods;
    PodListReader reader("team", [&](Pod pod) { pods.push_back(std::move(pod)); });
    for (std::size_t at = 0; at < text.size(); at += piece) {
      ASSERT_TRUE(reader.feed(std::string_view(text).substr(at, piece)));
    }
    const Result<ListMeta> meta = reader.finish();
    ASSERT_TRUE(meta) << meta.error().what;
    EXPECT_EQ(meta->resource_version, "1342");
    EXPECT_EQ(reader.skipped(), 0U);
    EXPECT_THAT(
        names(pods),
        ElementsAre("shop/checkout-5d9c7b6f48-x2x7k", "kube-system/etcd-worker-1",
                    "kube-system/node-exporter-mm4qz", "batch/report-28712345-7fk2p", "shop/db-0"));

    const Pod& checkout = pods[0];
    EXPECT_EQ(checkout.uid, "b8a1f3f0-0c53-4f8e-9a29-1f6c3f1d0001");
    EXPECT_EQ(checkout.event_uid(), checkout.uid);
    EXPECT_EQ(checkout.node_name, "worker-1");
    EXPECT_EQ(checkout.owner_kind + "/" + checkout.owner_name, "ReplicaSet/checkout-5d9c7b6f48");
    EXPECT_EQ(checkout.template_hash, "5d9c7b6f48");
    EXPECT_EQ(checkout.label, "payments");
    EXPECT_THAT(checkout.ips,
                ElementsAre(*IpAddr::parse("10.1.2.3"), *IpAddr::parse("2001:db8:1::3")));
    EXPECT_THAT(checkout.host_ips,
                ElementsAre(*IpAddr::parse("10.0.0.11"), *IpAddr::parse("2001:db8::11")));
    EXPECT_EQ(checkout.created, *parse_rfc3339("2026-08-22T10:11:12Z"));
    EXPECT_FALSE(checkout.host_network || checkout.finished);

    EXPECT_EQ(pods[1].event_uid(), "5c1f4d8e0b8a4f6f9d0e3b7c2a190e55");
    EXPECT_TRUE(pods[1].host_network);
    EXPECT_EQ(pods[2].owner_kind, "DaemonSet");
    EXPECT_TRUE(pods[3].finished);
    EXPECT_TRUE(pods[4].ips.empty());
  }
}

TEST(PodList, ReadsWhatKubectlPrints) {
  const auto pods = load_pods_file(std::string(FIXTURES) + "k8s/kubectl_list.json", "");
  ASSERT_TRUE(pods) << pods.error().what;
  EXPECT_EQ(pods->size(), 5U);  // the Service among them is none
}

TEST(PodList, ABadItemCostsOnlyItself) {
  std::vector<Pod> pods;
  PodListReader reader("", [&](Pod pod) { pods.push_back(std::move(pod)); });
  ASSERT_TRUE(
      reader.feed("{\"kind\":\"PodList\",\"items\":["
                  "{\"metadata\":{\"name\":\"a\",\"namespace\":\"n\",\"uid\":\"1\"}},"
                  "{\"metadata\":{\"name\":\"\xff\"}},{\"metadata\":tru},{},"
                  "{\"metadata\":{\"name\":\"b\",\"namespace\":\"n\",\"uid\":\"2\"}}]}"));
  ASSERT_TRUE(reader.finish());
  EXPECT_THAT(names(pods), ElementsAre("n/a", "n/b"));
  EXPECT_EQ(reader.skipped(), 3U);
}

TEST(PodList, OtherDocumentsAreRefused) {
  for (const char* bad : {"", "{}", "[]", "{\"kind\":\"ServiceList\",\"items\":[]}",
                          "apiVersion: v1", "{\"kind\":\"PodList\",\"items\":[", "\xff\xfe"}) {
    PodListReader reader("", [](const Pod&) {});
    EXPECT_FALSE(reader.feed(bad) && reader.finish()) << bad;
  }
}

TEST(PodList, AFileThatIsNoUseSaysWhatToDo) {
  const auto missing = load_pods_file("/nonexistent/pods.json", "");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().exit, Exit::kNoInput);
  EXPECT_THAT(missing.error().what, HasSubstr("/nonexistent/pods.json: No such file"));
  const auto directory = load_pods_file("/", "");
  ASSERT_FALSE(directory);
  EXPECT_THAT(directory.error().what, HasSubstr("Is a directory"));
  const auto garbage = load_pods_file(std::string(FIXTURES) + "k8s/watch.jsonl", "");
  ASSERT_FALSE(garbage);
  EXPECT_EQ(garbage.error().exit, Exit::kNoInput);
  EXPECT_THAT(garbage.error().what, HasSubstr("kubectl get pods --all-namespaces -o json"));
}

}  // namespace
}  // namespace kube_nflog
