// SPDX-License-Identifier: Apache-2.0
#include "k8s/describe.h"

#include <gtest/gtest.h>

#include <regex>

#include "k8s/event_json.h"
#include "tests/k8s/make.h"

namespace kube_nflog {
namespace {

using make::icmp_key;
using make::owner;
using make::pod;
using make::port_key;
using By = PeerNaming::By;

Pod web() {
  Pod p = pod("shop", "web-7c9d5f6b8-abcde", "uid-web", "10.1.2.4");
  p.owner_kind = "ReplicaSet";
  p.owner_name = "web-7c9d5f6b8";
  p.template_hash = "7c9d5f6b8";
  return p;
}

std::string receiving(const DropKey& key, const Owner& source, By by = By::kWorkload) {
  return describe(key, Direction::kReceiving, owner(web()), source, by).message;
}

TEST(Describe, TellsBothPodsInTheirOwnWords) {
  const Cause cause{"denied by NetworkPolicy shop/default-deny"};
  const DropKey key = port_key("10.1.2.3", "10.1.2.4", 8080, IPPROTO_TCP, &cause);
  const Owner checkout = owner(pod("shop", "checkout", "uid-c"));
  const EventSubject receiving =
      describe(key, Direction::kReceiving, owner(web()), checkout, By::kWorkload);
  const EventSubject sending =
      describe(key, Direction::kSending, checkout, owner(web()), By::kWorkload);
  EXPECT_EQ(receiving.message,
            "Packet dropped when receiving traffic from shop/checkout (IP: 10.1.2.3) on port "
            "8080/TCP: denied by NetworkPolicy shop/default-deny.");
  EXPECT_EQ(sending.message,
            "Packet dropped when sending traffic to shop/web (IP: 10.1.2.4) on port 8080/TCP: "
            "denied by NetworkPolicy shop/default-deny.");
  EXPECT_EQ(receiving.pod.uid, "uid-web");
  EXPECT_EQ(receiving.related.uid, "uid-c");
  EXPECT_EQ(sending.pod.uid, "uid-c");
  EXPECT_EQ(sending.related.name, "web-7c9d5f6b8-abcde");
  EXPECT_NE(receiving.key, sending.key);
}

TEST(Describe, PeerIsTheNodeOrTheBareAddress) {
  const DropKey key = port_key("192.0.2.7", "10.1.2.4", 53, IPPROTO_UDP);
  EXPECT_EQ(receiving(key, {.node = "node-1"}),
            "Packet dropped when receiving traffic from node-1 (IP: 192.0.2.7) on port 53/UDP.");
  EXPECT_EQ(receiving(key, {}),
            "Packet dropped when receiving traffic from 192.0.2.7 on port 53/UDP.");
  EXPECT_EQ(receiving(key, {.node = "192.0.2.7"}),
            "Packet dropped when receiving traffic from 192.0.2.7 on port 53/UDP.");
}

TEST(Describe, EveryProtocolWithinTheGrammar) {
  const auto ends_in = [](const DropKey& key) {
    return receiving(key, {}).substr(
        std::string("Packet dropped when receiving traffic from ").size());
  };
  EXPECT_EQ(ends_in(port_key("10.0.0.1", "10.1.2.4", 132, IPPROTO_SCTP)),
            "10.0.0.1 on port 132/SCTP.");
  EXPECT_EQ(ends_in(port_key("10.0.0.1", "10.1.2.4", 9, IPPROTO_UDPLITE)),
            "10.0.0.1 on port 9/UDPLITE.");
  EXPECT_EQ(ends_in(icmp_key("10.0.0.1", "10.1.2.4", 8, 0)), "10.0.0.1 over ICMP echo-request.");
  EXPECT_EQ(ends_in(icmp_key("10.0.0.1", "10.1.2.4", 3, 3)),
            "10.0.0.1 over ICMP port-unreachable.");
  EXPECT_EQ(ends_in(icmp_key("10.0.0.1", "10.1.2.4", 42, 1)), "10.0.0.1 over ICMP type 42 code 1.");
  EXPECT_EQ(ends_in(icmp_key("2001:db8::1", "2001:db8::2", 128, 0, IPPROTO_ICMPV6)),
            "2001:db8::1 over ICMP echo-request.");
  DropKey portless = port_key("10.0.0.1", "10.1.2.4", 0, IPPROTO_GRE);
  portless.detail_kind = Detail::kNone;
  EXPECT_EQ(ends_in(portless), "10.0.0.1 over protocol 47.");
  portless.protocol = 0;
  EXPECT_EQ(ends_in(portless), "10.0.0.1.");
}

TEST(Describe, TellsTheServiceOnBothPods) {
  const Cause cause{"denied by NetworkPolicy shop/default-deny"};
  const ServiceAddress v4{make::ip("10.96.0.17"), 5432}, v6{make::ip("fd00:10:96::11"), 5432};
  DropKey key = port_key("10.1.2.3", "10.1.2.4", 8080, IPPROTO_TCP, &cause);
  key.service = &v4;
  const std::string end =
      " on port 8080/TCP (Service address 10.96.0.17:5432): denied by NetworkPolicy "
      "shop/default-deny.";
  const Owner sender = owner(pod("shop", "c", "uid-c"));
  EXPECT_TRUE(receiving(key, sender, By::kName).ends_with("shop/c (IP: 10.1.2.3)" + end));
  const EventSubject sending = describe(key, Direction::kSending, sender, owner(web()), By::kName);
  EXPECT_TRUE(sending.message.ends_with("(IP: 10.1.2.4)" + end));
  EXPECT_EQ(sending.service_address, "10.96.0.17:5432");

  key.service = &v6;
  EXPECT_EQ(receiving(key, {}),
            "Packet dropped when receiving traffic from 10.1.2.3 on port 8080/TCP (Service address "
            "[fd00:10:96::11]:5432): denied by NetworkPolicy shop/default-deny.");
  const ServiceAddress portless{make::ip("fd00:10:96::11"), 0};
  DropKey ping = icmp_key("fd00::1", "fd00::2", 128, 0, IPPROTO_ICMPV6);
  ping.service = &portless;
  EXPECT_EQ(receiving(ping, {}),
            "Packet dropped when receiving traffic from fd00::1 over ICMP echo-request (Service "
            "address fd00:10:96::11).");
}

TEST(Describe, TellsOfAScanWithoutThePortsThatDiffer) {
  const Cause cause{"denied by NetworkPolicy shop/default-deny"};
  DropKey key = port_key("10.1.2.4", "10.1.2.3", 0, IPPROTO_TCP, &cause);  // of the example
  key.detail_kind = Detail::kNone;
  key.fold = Fold::kDestinations;
  const auto message = [&](const Owner& example, PeerCount peers) {
    const EventSubject subject =
        describe(key, Direction::kSending, owner(web()), example, By::kWorkload, Peers::kMany);
    EventRecord record;
    record.peers = peers;
    return message_of(subject, record);
  };
  EXPECT_EQ(message({}, {.addresses = 37, .complete = false}),
            "Packet dropped when sending traffic to at least 37 addresses, e.g. 10.1.2.3, over "
            "protocol 6: denied by NetworkPolicy shop/default-deny.");
  EXPECT_EQ(message(owner(pod("shop", "cart", "uid-c")), {.addresses = 257, .complete = false}),
            "Packet dropped when sending traffic to more than 256 addresses, e.g. shop/cart (IP: "
            "10.1.2.3), over protocol 6: denied by NetworkPolicy shop/default-deny.");
  key.protocol = 0;
  EXPECT_EQ(message({}, {.addresses = 1, .complete = false}),
            "Packet dropped when sending traffic to at least 1 address, e.g. 10.1.2.3: denied by "
            "NetworkPolicy shop/default-deny.");
}

TEST(Describe, HostileTextStaysInsideTheGrammarAndTheLimit) {
  const std::regex grammar(
      R"(Packet dropped when (receiving traffic from|sending traffic to) [^ ]+( \(IP: [0-9a-f.:]+\))?)"
      R"(( on port \d+/[A-Z0-9]+| over ICMP [a-z0-9 -]+| over protocol \d+)?(: [^\x01-\x1f\x7f]+)?\.)");
  for (const std::string& text : {std::string(5000, 'x'), std::string("a\nb\x1b[31m\x7f"),
                                  std::string("\xff\xfe\xc0\x80"), std::string(1500, '\xe2'),
                                  std::string("a\xc2\x85"
                                              "b")}) {
    const Cause cause{text};
    const DropKey key = port_key("10.0.0.1", "10.1.2.4", 1, IPPROTO_TCP, &cause);
    const std::string message = receiving(key, {nullptr, "node"});
    EXPECT_LE(message.size(), kMaxMessage);
    EXPECT_TRUE(std::regex_match(message, grammar)) << message;
  }
}

// The message, and what the words for so many peers make of it.
std::string of_peers(const EventSubject& subject, PeerCount peers, std::uint32_t base = 0) {
  EventRecord record;
  record.peers = peers;
  record.base_peers = base;
  return message_of(subject, record);
}

TEST(Describe, ManyPeersAreANumberAndAnExample) {
  const Cause cause{"denied by NetworkPolicy shop/default-deny"};
  const DropKey key = port_key("10.1.2.3", "10.1.2.4", 8080, IPPROTO_TCP, &cause);
  const auto say = [&](const Owner& peer, PeerCount peers, std::uint32_t base = 0) {
    return of_peers(
        describe(key, Direction::kReceiving, owner(web()), peer, By::kWorkload, Peers::kMany),
        peers, base);
  };
  const std::string begin = "Packet dropped when receiving traffic from ";
  const std::string end = " on port 8080/TCP: denied by NetworkPolicy shop/default-deny.";
  EXPECT_EQ(say({}, {.addresses = 1}), begin + "10.1.2.3" + end);
  EXPECT_EQ(say({}, {.addresses = 37}), begin + "37 addresses, e.g. 10.1.2.3," + end);
  EXPECT_EQ(say(owner(pod("shop", "checkout", "u")), {.addresses = 2}),
            begin + "2 addresses, e.g. shop/checkout (IP: 10.1.2.3)," + end);
  EXPECT_EQ(say({}, {.addresses = 256}), begin + "256 addresses, e.g. 10.1.2.3," + end);
  EXPECT_EQ(say({}, {.addresses = 257, .complete = false}),
            begin + "more than 256 addresses, e.g. 10.1.2.3," + end);
  EXPECT_EQ(say({}, {.addresses = 37, .complete = false}),
            begin + "at least 37 addresses, e.g. 10.1.2.3," + end);
  EXPECT_EQ(say({}, {.addresses = 1, .complete = false}),
            begin + "at least 1 address, e.g. 10.1.2.3," + end);
  // The Event was there before: of those 40, and of which of ours, nobody remembers.
  EXPECT_EQ(say({}, {.addresses = 37}, 40), begin + "at least 40 addresses, e.g. 10.1.2.3," + end);
  EXPECT_EQ(say({}, {.addresses = 37}, 1), begin + "at least 37 addresses, e.g. 10.1.2.3," + end);
}

TEST(Describe, ManyPeersAreSentToAsWell) {
  DropKey key = port_key("10.1.2.4", "192.0.2.7", 443);
  const auto say = [&] {
    return of_peers(
        describe(key, Direction::kSending, owner(web()), {}, By::kWorkload, Peers::kMany),
        {.addresses = 12});
  };
  const std::string begin = "Packet dropped when sending traffic to 12 addresses, e.g. 192.0.2.7";
  EXPECT_EQ(say(), begin + ", on port 443/TCP.");
  key.protocol = 0;
  key.detail_kind = Detail::kNone;
  EXPECT_EQ(say(), begin + ".");
  const Cause cause{"by rule \"x\""};
  key.cause = &cause;
  EXPECT_EQ(say(), begin + ": by rule \"x\".");
}

TEST(Describe, OnePeerIsToldAsItIsWhateverIsCounted) {
  const EventSubject subject = describe(port_key("10.1.2.3", "10.1.2.4", 1), Direction::kReceiving,
                                        owner(web()), {}, By::kName);
  EXPECT_EQ(of_peers(subject, {}, 9), subject.message);
}

TEST(Describe, ManyPeersStayWithinTheLimit) {
  const Cause cause{std::string(5000, 'x')};
  const DropKey key = port_key("2001:db8:1111:2222:3333:4444:5555:6666", "2001:db8::1", 65535,
                               IPPROTO_UDPLITE, &cause);
  const EventSubject subject = describe(key, Direction::kReceiving, owner(web()),
                                        {.node = std::string(253, 'n')}, By::kName, Peers::kMany);
  for (const PeerCount peers : {PeerCount{}, PeerCount{.addresses = 256, .complete = false},
                                PeerCount{.addresses = UINT32_MAX, .complete = false}}) {
    EXPECT_LE(of_peers(subject, peers).size(), kMaxMessage);
    EXPECT_GT(of_peers(subject, peers).size(), kMaxMessage - 40);
  }
}

TEST(Describe, PeerNameModes) {
  const DropKey key = port_key("10.1.2.3", "10.1.2.4", 1);
  Pod peer = web();
  peer.label = "front";
  const auto name = [&](By by) {
    const std::string m = receiving(key, owner(peer), by);
    return m.substr(43, m.find(" (IP") - 43);
  };
  EXPECT_EQ(name(By::kWorkload), "shop/web");
  EXPECT_EQ(name(By::kName), "shop/web-7c9d5f6b8-abcde");
  EXPECT_EQ(name(By::kNamespace), "shop");
  EXPECT_EQ(name(By::kLabel), "front");
}

TEST(PeerName, WorkloadIsWhatItsAuthorNamed) {
  const auto workload = [](std::string kind, std::string owner_name, std::string hash = "") {
    Pod p = pod("ns", "the-pod", "u");
    p.owner_kind = std::move(kind);
    p.owner_name = std::move(owner_name);
    p.template_hash = std::move(hash);
    return peer_name(owner(p), By::kWorkload, "ns");
  };
  EXPECT_EQ(workload("", ""), "ns/the-pod");
  EXPECT_EQ(workload("Node", "node-1"), "ns/the-pod");
  EXPECT_EQ(workload("StatefulSet", "db"), "ns/db");
  EXPECT_EQ(workload("DaemonSet", "logger"), "ns/logger");
  EXPECT_EQ(workload("ReplicaSet", "web-abc", "abc"), "ns/web");
  EXPECT_EQ(workload("ReplicaSet", "web-abc", "xyz"), "ns/web-abc");
  EXPECT_EQ(workload("ReplicaSet", "webabc", "abc"), "ns/webabc");
  EXPECT_EQ(workload("ReplicaSet", "-abc", "abc"), "ns/-abc");
  EXPECT_EQ(workload("Job", "backup-29123456"), "ns/backup");
  EXPECT_EQ(workload("Job", "backup-1612345678"), "ns/backup");
  EXPECT_EQ(workload("Job", "backup-2024"), "ns/backup-2024");
  EXPECT_EQ(workload("Job", "29123456"), "ns/29123456");
}

TEST(PeerName, ANumberThatIsNotThePodsTimeIsPartOfTheJobsName) {
  Pod p = pod("ns", "the-pod", "u");
  p.owner_kind = "Job";
  p.created = SystemTime(std::chrono::minutes(29'892'240));  // 2026-11-01
  const auto job = [&p](const char* name) {
    p.owner_name = name;
    return peer_name(owner(p), By::kWorkload, "ns");
  };
  EXPECT_EQ(job("backup-29892240"), "ns/backup");
  EXPECT_EQ(job("backup-29892000"), "ns/backup");
  EXPECT_EQ(job("backup-1793534400"), "ns/backup");
  EXPECT_EQ(job("migrate-20261101"), "ns/migrate-20261101");
  EXPECT_EQ(job("migrate-2026110115"), "ns/migrate-2026110115");
  EXPECT_EQ(job("migrate-2989224x"), "ns/migrate-2989224x");
}

TEST(PeerName, AStaticPodIsNamedWithoutItsNode) {
  Pod p = pod("kube-system", "etcd-node-1", "u");
  p.node_name = "node-1";
  p.owner_kind = "Node";
  p.owner_name = "node-1";
  EXPECT_EQ(peer_name(owner(p), By::kWorkload, "shop"), "kube-system/etcd");
  EXPECT_EQ(peer_name(owner(p), By::kName, "shop"), "kube-system/etcd-node-1");
  p.name = "node-1";
  EXPECT_EQ(peer_name(owner(p), By::kWorkload, "shop"), "kube-system/node-1");
}

TEST(PeerName, ServicesNodesAndHosts) {
  const Owner service{.service = {"payments", "ledger-db"}};
  EXPECT_EQ(peer_name(service, By::kWorkload, "shop"), "payments/ledger-db");
  EXPECT_EQ(peer_name(service, By::kNamespace, "shop"), "payments");
  EXPECT_EQ(peer_name({.host = "api.example.com"}, By::kNamespace, "shop"), "api.example.com");
  EXPECT_EQ(peer_name({.node = "node-1"}, By::kLabel, "shop"), "node-1");
  EXPECT_EQ(peer_name({}, By::kWorkload, "shop"), "");
}

// What each choice lets through, of the peers in another namespace and in the reader's own.
TEST(PeerDetail, WithholdsWhatItSays) {
  Pod bare = pod("shop", "debug-pod", "uid-bare");
  Pod unlabelled = web();
  const std::string endpoint = "web-0.web.shop.svc.cluster.local";
  struct Case {
    Owner peer;
    By by;
    std::string full, workload, ip, ip_in_shop;
  };
  const Case cases[] = {
      {owner(web()), By::kWorkload, "shop/web", "shop/web", "", "shop/web"},
      {owner(bare), By::kWorkload, "shop/debug-pod", "shop", "", "shop/debug-pod"},
      {owner(unlabelled), By::kLabel, "web-7c9d5f6b8-abcde", "shop/web", "", "web-7c9d5f6b8-abcde"},
      {owner(web()), By::kNamespace, "shop", "shop", "", "shop"},
      {{.service = {"shop", "api"}}, By::kWorkload, "shop/api", "shop/api", "", "shop/api"},
      {{.node = "node-1"}, By::kWorkload, "node-1", "node-1", "", ""},
      {{.host = "api.example.com"}, By::kWorkload, "api.example.com", "api.example.com", "", ""},
      {{.host = endpoint}, By::kWorkload, endpoint, "web.shop.svc.cluster.local", "", endpoint},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(peer_name(c.peer, c.by, "payments"), c.full);
    EXPECT_EQ(peer_name(c.peer, {c.by, PeerDetail::kWorkload}, "payments"), c.workload);
    EXPECT_EQ(peer_name(c.peer, {c.by, PeerDetail::kWorkload}, "shop"), c.workload);
    EXPECT_EQ(peer_name(c.peer, {c.by, PeerDetail::kIp}, "payments"), c.ip) << c.full;
    EXPECT_EQ(peer_name(c.peer, {c.by, PeerDetail::kIp}, "shop"), c.ip_in_shop) << c.full;
  }
}

TEST(PeerDetail, GoesForTheWholeEvent) {
  const ServiceAddress cluster_ip{make::ip("10.96.0.17"), 5432};
  DropKey key = port_key("10.1.2.3", "10.1.2.4", 8080);
  key.service = &cluster_ip;
  const ServiceName service{"shop", "front"};
  const auto sending = [&](PeerDetail detail, std::string ns) {
    return describe(key, Direction::kSending, owner(pod(std::move(ns), "checkout", "uid-c")),
                    owner(web()), {By::kWorkload, detail}, Peers::kOne, service);
  };
  const auto body = [](const EventSubject& subject) { return event_body(subject, {}, {}); };
  const EventSubject full = sending(PeerDetail::kFull, "payments");
  EXPECT_EQ(full.message,
            "Packet dropped when sending traffic to shop/web (IP: 10.1.2.4) on port 8080/TCP "
            "(Service shop/front 10.96.0.17:5432).");
  EXPECT_EQ(full.related.uid, "uid-web");
  const EventSubject workload = sending(PeerDetail::kWorkload, "payments");
  EXPECT_EQ(workload.message, full.message);
  EXPECT_EQ(body(workload).find("abcde"), std::string::npos) << body(workload);
  EXPECT_EQ(body(workload).find("uid-web"), std::string::npos);
  const EventSubject ip = sending(PeerDetail::kIp, "payments");
  EXPECT_EQ(ip.message,
            "Packet dropped when sending traffic to 10.1.2.4 on port 8080/TCP "
            "(Service address 10.96.0.17:5432).");
  EXPECT_EQ(body(ip).find("shop"), std::string::npos) << body(ip);
  EXPECT_EQ(body(ip).find("web"), std::string::npos);
  const EventSubject neighbour = sending(PeerDetail::kIp, "shop");
  EXPECT_EQ(neighbour.message, full.message);
  EXPECT_EQ(neighbour.related.uid, "uid-web");
  EXPECT_EQ(ip.key, full.key) << "one Event, however much it tells";
}

TEST(PeerName, ParsesItsFlag) {
  EXPECT_EQ(parse_peer_naming("namespace")->by, By::kNamespace);
  EXPECT_EQ(parse_peer_naming("label:app.kubernetes.io/name")->label_key, "app.kubernetes.io/name");
  for (const char* bad : {"", "label", "label:", "Workload", "pod"}) {
    const Result<PeerNaming> r = parse_peer_naming(bad);
    ASSERT_FALSE(r) << bad;
    EXPECT_EQ(r.error().exit, Exit::kUsage);
  }
}

}  // namespace
}  // namespace kube_nflog
