// SPDX-License-Identifier: Apache-2.0
#include "k8s/pod_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "tests/k8s/fixture.h"

namespace kube_nflog {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kMinimal = R"({"metadata":{"name":"a","namespace":"b","uid":"c"}})";

std::vector<WatchLine> watch_lines() {
  std::istringstream text(fixture("k8s/watch.jsonl"));
  std::vector<WatchLine> lines;
  for (std::string line; std::getline(text, line);) {
    Result<WatchLine> parsed = parse_watch_line(line, "");
    EXPECT_TRUE(parsed) << parsed.error().what;
    if (parsed) lines.push_back(std::move(*parsed));
  }
  return lines;
}

TEST(PodJson, ReadsWatchLines) {
  const std::vector<WatchLine> lines = watch_lines();
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0].type, WatchType::kModified);
  EXPECT_EQ(lines[0].resource_version, "1350");
  EXPECT_EQ(lines[0].pod->name, "db-0");
  EXPECT_THAT(lines[0].pod->ips, ElementsAre(*IpAddr::parse("10.1.2.20")));
  EXPECT_THAT(lines[0].pod->host_ips, ElementsAre(*IpAddr::parse("10.0.0.11")));
  EXPECT_EQ(lines[1].type, WatchType::kBookmark);
  EXPECT_EQ(lines[1].resource_version, "1355");
  EXPECT_EQ(lines[2].type, WatchType::kDeleted);
  EXPECT_EQ(lines[2].pod->uid, lines[0].pod->uid);
  EXPECT_EQ(lines[3].type, WatchType::kError);
  EXPECT_EQ(lines[3].status.code, 410);
  EXPECT_EQ(lines[3].status.reason, "Expired");
  EXPECT_THAT(lines[3].status.message, HasSubstr("too old resource version"));
}

TEST(PodJson, TheOrderOfMembersDoesNotMatter) {
  const auto line = parse_watch_line(
      R"({"object":{"status":{"podIPs":[{"ip":"10.0.0.1"}],"podIP":"10.0.0.1"},"metadata":)"
      R"({"resourceVersion":"7","uid":"c","namespace":"b","name":"a"}},"type":"ADDED"})",
      "");
  ASSERT_TRUE(line) << line.error().what;
  EXPECT_EQ(line->type, WatchType::kAdded);
  EXPECT_EQ(line->pod->name, "a");
  EXPECT_EQ(line->pod->ips.size(), 1U);
}

TEST(PodJson, AnInvalidPodStillMovesTheWatchOn) {
  const auto line =
      parse_watch_line(R"({"type":"ADDED","object":{"metadata":)"
                       R"({"name":"../etc","namespace":"b","uid":"c","resourceVersion":"8"}}})",
                       "");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->resource_version, "8");
  EXPECT_FALSE(line->pod);
}

TEST(PodJson, DamagedWatchLinesAreErrors) {
  for (const std::string& bad : std::vector<std::string>{
           "", "{", "null", "[]", "3", R"({"type":"ADDED"})", R"({"type":"NOVEL","object":{}})",
           R"({"object":{"metadata":{"resourceVersion":"1"}}})",
           R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":")" +
               std::string(300, '1') + "\"}}}",
           R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"1"}}} trailing)"}) {
    EXPECT_FALSE(parse_watch_line(bad, "")) << bad;
  }
}

TEST(PodJson, NamesAreChecked) {
  EXPECT_TRUE(parse_pod(kMinimal, ""));
  for (const char* bad :
       {R"({"metadata":{"name":"a","namespace":"b"}})", R"({"metadata":{"name":"a","uid":"c"}})",
        R"({"metadata":{"namespace":"b","uid":"c"}})",
        R"({"metadata":{"name":"a/b","namespace":"b","uid":"c"}})",
        R"({"metadata":{"name":"a","namespace":"b.c","uid":"c"}})",
        R"({"metadata":{"name":"a","namespace":"b","uid":"c d"}})",
        R"({"kind":"Service","metadata":{"name":"a","namespace":"b","uid":"c"}})",
        R"({"metadata":"x"})", R"({"metadata":null})", "{}", "[{}]", "\"x\""}) {
    EXPECT_FALSE(parse_pod(bad, "")) << bad;
  }
}

TEST(PodJson, WhatIsNotEssentialIsLeftOutWhenInvalid) {
  const auto pod = parse_pod(
      R"({"metadata":{"name":"a","namespace":"b","uid":"c","creationTimestamp":"yesterday",)"
      R"("labels":{"pod-template-hash":"x y","team":"a\u0000b"},)"
      R"("annotations":{"kubernetes.io/config.mirror":"\"}"},)"
      R"("ownerReferences":[{"kind":"ReplicaSet","name":"A B","controller":true}]},)"
      R"("spec":{"nodeName":"no/de","hostNetwork":"yes"},)"
      R"("status":{"phase":7,"podIPs":[{"ip":"10.0.0.300"},{"ip":7},{},"x"],"podIP":"10.0.0.1/8"}})",
      "team");
  ASSERT_TRUE(pod) << pod.error().what;
  EXPECT_EQ(pod->template_hash + pod->label + pod->mirror_uid + pod->owner_kind + pod->owner_name +
                pod->node_name,
            "");
  EXPECT_THAT(pod->ips, IsEmpty());
  EXPECT_EQ(pod->created, SystemTime{});
  EXPECT_FALSE(pod->host_network);
  EXPECT_FALSE(pod->finished);
}

TEST(PodJson, PodIpStandsInWherePodIpsIsMissing) {
  const auto pod = parse_pod(
      R"({"metadata":{"name":"a","namespace":"b","uid":"c"},"status":{"podIP":"10.0.0.1"}})", "");
  ASSERT_TRUE(pod);
  EXPECT_THAT(pod->ips, ElementsAre(*IpAddr::parse("10.0.0.1")));
}

TEST(PodJson, AddressesAreBounded) {
  std::string ips;
  for (int i = 0; i < 200; ++i) ips += R"({"ip":"10.0.0.)" + std::to_string(i) + "\"},";
  ips.pop_back();
  const auto pod = parse_pod(
      R"({"metadata":{"name":"a","namespace":"b","uid":"c"},"status":{"podIPs":[)" + ips + "]}}",
      "");
  ASSERT_TRUE(pod);
  EXPECT_EQ(pod->ips.size(), 16U);
}

TEST(PodJson, DeepNestingDoesNotOverflowTheStack) {
  for (const char* open : {"[", "{\"a\":"}) {
    std::string deep = R"({"metadata":)";
    for (int i = 0; i < 1'000'000; ++i) deep += open;
    EXPECT_FALSE(parse_pod(deep, ""));
  }
}

TEST(PodJson, InvalidUtf8AndNulAreErrors) {
  EXPECT_FALSE(parse_pod("{\"metadata\":{\"name\":\"a\xff\"}}", ""));
  EXPECT_FALSE(parse_pod(std::string(kMinimal) + '\0' + "x", ""));
}

TEST(PodJson, EveryTruncationIsAnError) {
  const std::string text = fixture("k8s/watch.jsonl");
  const std::string line = text.substr(0, text.find('\n'));
  ASSERT_TRUE(parse_watch_line(line, ""));
  for (std::size_t length = 0; length < line.size(); ++length) {
    EXPECT_FALSE(parse_watch_line(std::string_view(line).substr(0, length), "")) << length;
  }
}

TEST(PodJson, ReadsListMeta) {
  const auto meta = parse_list_meta(
      R"({"kind":"PodList","metadata":{"resourceVersion":"42","continue":"abc=="},"items":[]})");
  ASSERT_TRUE(meta);
  EXPECT_EQ(meta->kind + " " + meta->resource_version + " " + meta->continue_token,
            "PodList 42 abc==");
  EXPECT_FALSE(parse_list_meta(R"({"metadata":{"continue":")" + std::string(20'000, 'x') + "\"}}"));
}

TEST(PodJson, ReadsWhatARefusalSays) {
  const ApiStatus status =
      parse_status(R"({"kind":"Status","status":"Failure","message":"pods is forbidden:\nno",)"
                   R"("reason":"Forbidden","code":403})");
  EXPECT_EQ(status.code, 403);
  EXPECT_EQ(status.reason, "Forbidden");
  EXPECT_EQ(status.message, "pods is forbidden:?no");
  EXPECT_EQ(parse_status("Too many requests, please try again later.\n").message,
            "Too many requests, please try again later.");
  EXPECT_EQ(parse_status("<html>\nx").message, "<html>");
  EXPECT_EQ(parse_status("").message, "");
  EXPECT_EQ(parse_status(std::string(9'999, 'x')).message.size(), 512U);
}

}  // namespace
}  // namespace kube_nflog
