// SPDX-License-Identifier: Apache-2.0
#include "k8s/pod_index.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kube_nflog {
namespace {

using namespace std::chrono_literals;

const SteadyTime kStart{std::chrono::hours(1)};

IpAddr ip(const char* text) { return *IpAddr::parse(text); }

Pod pod(const std::string& uid, std::vector<IpAddr> ips, int created = 0) {
  Pod pod;
  pod.ns = "shop";
  pod.name = "pod-" + uid;
  pod.uid = uid;
  pod.node_name = "worker-1";
  pod.ips = std::move(ips);
  pod.host_ips = {ip("10.0.0.11")};
  pod.created = SystemTime(std::chrono::seconds(created));
  return pod;
}

// The uid of the Pod, "node NAME", or "".
std::string who(const PodIndex& index, const char* address, SteadyTime now = kStart) {
  const Owner owner = index.find(ip(address), now);
  if (owner.pod) return owner.pod->uid;
  return owner.node.empty() ? "" : "node " + owner.node;
}

TEST(PodIndex, FindsEveryAddress) {
  PodIndex index;
  index.upsert(pod("a", {ip("10.1.0.1"), ip("2001:db8::1")}), kStart);
  EXPECT_EQ(who(index, "10.1.0.1"), "a");
  EXPECT_EQ(who(index, "2001:db8::1"), "a");
  EXPECT_EQ(who(index, "10.1.0.2"), "");
  EXPECT_EQ(who(index, "10.0.0.11"), "node worker-1");
}

TEST(PodIndex, AnUpdateMovesTheAddresses) {
  PodIndex index;
  index.upsert(pod("a", {ip("10.1.0.1")}), kStart);
  index.upsert(pod("a", {ip("10.1.0.2")}), kStart);
  EXPECT_EQ(who(index, "10.1.0.1"), "");
  EXPECT_EQ(who(index, "10.1.0.2"), "a");
  EXPECT_EQ(index.size(), 1U);
}

TEST(PodIndex, HostNetworkAddressesAreTheNodes) {
  PodIndex index;
  Pod host = pod("h", {ip("10.0.0.11"), ip("2001:db8::11")}, 99);
  host.host_network = true;
  index.upsert(host, kStart);
  EXPECT_EQ(who(index, "10.0.0.11"), "node worker-1");
  EXPECT_EQ(who(index, "2001:db8::11"), "node worker-1");  // known only by this Pod
  index.remove("h", kStart);
  index.expire(kStart + 91s);
  EXPECT_EQ(who(index, "10.0.0.11"), "");
}

TEST(PodIndex, TheYoungestLiveOwnerWinsInWhateverOrder) {
  for (const bool old_first : {true, false}) {
    PodIndex index;
    const Pod old_pod = pod("old", {ip("10.1.0.1")}, 1), young = pod("young", {ip("10.1.0.1")}, 2);
    index.upsert(old_first ? old_pod : young, kStart);
    index.upsert(old_first ? young : old_pod, kStart);
    EXPECT_EQ(who(index, "10.1.0.1"), "young");
    index.remove("young", kStart);
    EXPECT_EQ(who(index, "10.1.0.1"), "old");  // live before deleted
    index.remove("old", kStart + 1s);
    EXPECT_EQ(who(index, "10.1.0.1", kStart + 2s), "old");  // the one deleted last
  }
}

TEST(PodIndex, ADeletedPodIsFoundForAWhile) {
  PodIndex index;
  index.upsert(pod("a", {ip("10.1.0.1")}), kStart);
  index.remove("a", kStart);
  EXPECT_EQ(who(index, "10.1.0.1", kStart + 90s), "a");
  EXPECT_EQ(who(index, "10.1.0.1", kStart + 91s), "");
  index.expire(kStart + 91s);
  EXPECT_EQ(index.size(), 0U);
}

TEST(PodIndex, AFinishedPodGivesItsAddressesUp) {
  PodIndex index;
  Pod job = pod("job", {ip("10.1.0.1")}, 9);
  index.upsert(job, kStart);
  job.finished = true;
  index.upsert(job, kStart);
  EXPECT_EQ(who(index, "10.1.0.1"), "job");  // a late record
  index.upsert(pod("next", {ip("10.1.0.1")}, 1), kStart);
  EXPECT_EQ(who(index, "10.1.0.1"), "next");  // although older
  index.remove("job", kStart + 60s);          // does not renew its stay
  index.expire(kStart + 91s);
  EXPECT_EQ(index.size(), 1U);

  PodIndex fresh;
  fresh.upsert(job, kStart);
  EXPECT_EQ(who(fresh, "10.1.0.1"), "");
  EXPECT_EQ(fresh.size(), 0U);
}

TEST(PodIndex, AListDeletesWhatItLacks) {
  PodIndex index;
  index.upsert(pod("a", {ip("10.1.0.1")}), kStart);
  index.upsert(pod("b", {ip("10.1.0.2")}), kStart);
  index.begin_list();
  index.upsert(pod("b", {ip("10.1.0.2")}), kStart);
  index.upsert(pod("c", {ip("10.1.0.1")}), kStart);
  EXPECT_EQ(index.size(), 3U);  // a list that breaks off here has deleted nothing
  index.end_list(kStart);
  EXPECT_EQ(who(index, "10.1.0.1"), "c");
  EXPECT_EQ(who(index, "10.1.0.2"), "b");
  index.expire(kStart + 91s);
  EXPECT_EQ(index.size(), 2U);
}

TEST(PodIndex, APodThatComesBackStays) {
  PodIndex index;
  index.upsert(pod("a", {ip("10.1.0.1")}), kStart);
  index.remove("a", kStart);
  index.upsert(pod("a", {ip("10.1.0.1")}), kStart + 1s);
  index.expire(kStart + 1000s);
  EXPECT_EQ(who(index, "10.1.0.1", kStart + 1000s), "a");
}

TEST(PodIndex, FullRefusesAndCountsButNeverForTheDeleted) {
  PodIndex index({.capacity = 2});
  index.upsert(pod("a", {ip("10.1.0.1")}), kStart);
  index.upsert(pod("b", {ip("10.1.0.2")}), kStart);
  index.upsert(pod("c", {ip("10.1.0.3")}), kStart);
  EXPECT_EQ(index.refused(), 1U);
  EXPECT_EQ(who(index, "10.1.0.3"), "");
  index.upsert(pod("b", {ip("10.1.0.9")}), kStart);  // an update needs no room
  EXPECT_EQ(who(index, "10.1.0.9"), "b");
  index.remove("a", kStart);
  index.upsert(pod("c", {ip("10.1.0.3")}), kStart);
  EXPECT_EQ(who(index, "10.1.0.3"), "c");
  EXPECT_EQ(who(index, "10.1.0.1"), "");
  EXPECT_EQ(index.size(), 2U);
  EXPECT_EQ(index.refused(), 1U);
}

TEST(PodIndex, PodsThatComeAndGoDoNotGrowIt) {
  PodIndex index({.capacity = 10});
  for (int i = 0; i < 10'000; ++i) {
    index.upsert(pod(std::to_string(i), {ip("10.1.0.1")}, i), kStart);
    index.remove(std::to_string(i), kStart);
    ASSERT_LE(index.size(), 10U);
  }
  for (int i = 0; i < 10'000; ++i) {  // the same one
    index.upsert(pod("flap", {ip("10.1.0.2")}, i), kStart);
    index.remove("flap", kStart);
  }
  EXPECT_LE(index.size(), 10U);
  for (int i = 0; i < 10'000; ++i) {  // that never get an address
    index.upsert(pod("new" + std::to_string(i), {}, i), kStart);
    index.remove("new" + std::to_string(i), kStart);
    ASSERT_LE(index.expecting(), 10U);
  }
  index.expire(kStart + 61s);
  EXPECT_EQ(index.expecting(), 0U);
  EXPECT_EQ(index.refused(), 0U);
}

// Records come late, from a log above all.
class PodIndexThen : public testing::Test {
 protected:
  // Whose the address was at that second of the wall clock; `?` follows a former owner.
  std::string who_at(int second) const {
    const Owner owner =
        index.find(ip("10.1.0.1"), SystemTime(std::chrono::seconds(second)),
                   {kStart + std::chrono::seconds(now), SystemTime(std::chrono::seconds(now))});
    return (owner.pod ? owner.pod->uid : "") + (owner.former ? "?" : "");
  }
  void arrives(const std::string& uid, int created, int seen) {
    index.upsert(pod(uid, {ip("10.1.0.1")}, created), kStart + std::chrono::seconds(seen));
  }
  void goes(const std::string& uid, int second) {
    index.remove(uid, kStart + std::chrono::seconds(second));
  }
  PodIndex index;
  int now = 1'000;
};

TEST_F(PodIndexThen, ARecordGoesToTheOwnerOfThatMoment) {
  arrives("old", 100, 101);
  goes("old", 950);
  arrives("new", 960, 962);
  EXPECT_EQ(who_at(940), "old");
  EXPECT_EQ(who_at(955), "new") << "of neither: the live one";
  EXPECT_EQ(who_at(961), "new");
  EXPECT_EQ(who_at(1'000), "new");
  goes("new", 970);
  now = 990;
  EXPECT_EQ(who_at(940), "old");
  EXPECT_EQ(who_at(965), "new");
  EXPECT_EQ(who_at(980), "new?");
  now = 1'045;  // the old one is forgotten
  EXPECT_EQ(who_at(940), "new");
}

TEST_F(PodIndexThen, AFormerOwnerIsMarkedAsThat) {
  arrives("old", 100, 101);
  EXPECT_EQ(who_at(50), "old") << "nobody else: our clock may be behind the API server's";
  goes("old", 950);
  EXPECT_EQ(who_at(949), "old");
  EXPECT_EQ(who_at(951), "old?");
}

TEST_F(PodIndexThen, AClockThatIsFarOffMisleadsNobody) {
  arrives("only", 5'000'000, 900);  // made in our future
  EXPECT_EQ(who_at(950), "only");
  arrives("other", 5'000'001, 901);
  EXPECT_EQ(who_at(950), "other") << "still the younger one";
}

TEST(PodIndex, ExpectsAnAddressForANewPodForAWhile) {
  PodIndex index;
  EXPECT_FALSE(index.expects_addresses(kStart));
  index.upsert(pod("a", {}), kStart);
  index.upsert(pod("b", {}), kStart + 10s);
  EXPECT_TRUE(index.expects_addresses(kStart + 10s));
  const std::uint64_t before = index.version();
  index.upsert(pod("a", {ip("10.1.0.1")}), kStart + 11s);
  EXPECT_NE(index.version(), before);
  EXPECT_TRUE(index.expects_addresses(kStart + 11s)) << "b";
  index.upsert(pod("b", {}), kStart + 60s);  // still nothing: an update does not begin anew
  EXPECT_TRUE(index.expects_addresses(kStart + 70s));
  EXPECT_FALSE(index.expects_addresses(kStart + 71s));
  index.upsert(pod("c", {}), kStart + 80s);
  index.remove("c", kStart + 81s);
  EXPECT_FALSE(index.expects_addresses(kStart + 81s));
  Pod host = pod("h", {});
  host.host_network = true;
  index.upsert(host, kStart + 82s);
  EXPECT_FALSE(index.expects_addresses(kStart + 82s)) << "the node's";
}

}  // namespace
}  // namespace kube_nflog
