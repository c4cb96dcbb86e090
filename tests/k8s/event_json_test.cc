// SPDX-License-Identifier: Apache-2.0
#include "k8s/event_json.h"

#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <random>
#include <sstream>

#include "k8s/describe.h"
#include "k8s/event_key.h"
#include "tests/k8s/make.h"

namespace kube_nflog {
namespace {

using make::owner;
using make::pod;
using make::port_key;
using make::wall;

std::string golden(const std::string& name) {
  std::ifstream file(std::string(FIXTURES) + "../golden/" + name);
  EXPECT_TRUE(file) << name;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

EventSubject subject(Peers peers = Peers::kOne) {
  static const Cause cause{"denied by NetworkPolicy shop/default-deny"};
  return describe(port_key("10.1.2.3", "10.1.2.4", 8080, IPPROTO_TCP, &cause),
                  Direction::kReceiving, owner(pod("shop", "web-7c9d-abcde", "9a0b-uid")),
                  owner(pod("shop", "checkout-0", "5c1f-uid")), PeerNaming::By::kWorkload, peers);
}

EventSubject subject_by(const Interfaces& interfaces) {
  EventSubject s = subject();
  s.interfaces = &interfaces;
  return s;
}
constexpr InterfaceName kEth0 = *InterfaceName::parse("eth0");
constexpr Interfaces kForwarded{kEth0, *InterfaceName::parse("cali0123")};

EventRecord record() {
  EventRecord r;
  r.base = 30;
  r.total = 7;
  r.first = wall();
  r.last = wall(610);
  r.stamp = "5eed.4";
  r.resource_version = "1234";
  return r;
}

TEST(EventJson, BodyIsTheGoldenOne) {
  const EventAuthor author{"PacketDrop", "kube-nflog", "node-1"};
  EXPECT_EQ(event_body(subject_by(kForwarded), record(), author) + '\n', golden("event_body.json"));
}

TEST(EventJson, AnUnknownInterfaceIsNotToldOf) {
  constexpr Interfaces kIn{kEth0, {}};
  EXPECT_EQ(event_body(subject(), record(), {}).find("\\\"in\\\":"), std::string::npos);
  const std::string body = event_body(subject_by(kIn), record(), {});
  EXPECT_NE(body.find("\\\"in\\\":\\\"eth0\\\"}"), std::string::npos) << body;
}

TEST(EventJson, PatchIsTheGoldenOne) {
  EXPECT_EQ(event_patch(subject(), record()) + '\n', golden("event_patch.json"));
}

EventRecord record_of(std::uint32_t peers, bool complete = true) {
  EventRecord r = record();
  r.peers = {.addresses = peers, .complete = complete, .memory = 1};
  return r;
}

// A repeat may be another peer's: the PATCH brings the message and the facts up to date.
TEST(EventJson, APatchOfASharedEventIsTheGoldenOne) {
  EXPECT_EQ(event_patch(subject(Peers::kMany), record_of(37)) + '\n',
            golden("event_patch_shared.json"));
}

TEST(EventJson, ASharedEventSaysOfHowManyPeersAndNamesOne) {
  const std::string body = event_body(subject(Peers::kMany), record_of(37), {});
  EXPECT_NE(body.find(R"(\"peerIP\":\"10.1.2.3\",\"peerName\":\"shop/checkout-0\",\"peers\":37,)"),
            std::string::npos)
      << body;
  EXPECT_NE(
      body.find(R"("message":"Packet dropped when receiving traffic from 37 addresses, e.g. )"),
      std::string::npos)
      << body;
  EXPECT_EQ(body.find("\"related\""), std::string::npos);
  const std::string more = event_body(subject(Peers::kMany), record_of(257, false), {});
  EXPECT_NE(more.find(R"(\"peersAtLeast\":257,)"), std::string::npos) << more;
}

TEST(EventJson, ReadsBackOfHowManyPeers) {
  const auto peers = [](const std::string& body) { return parse_event(body).value().peers; };
  EXPECT_EQ(peers(event_body(subject(), record(), {})), 0U);
  EXPECT_EQ(peers(event_body(subject(Peers::kMany), record_of(37), {})), 37U);
  EXPECT_EQ(peers(event_body(subject(Peers::kMany), record_of(257, false), {})), 257U);
  const auto facts = [&](const std::string& text) {
    return peers(R"({"kind":"Event","metadata":{"annotations":{"kube-nflog/drop":")" + text +
                 R"("}}})");
  };
  EXPECT_EQ(facts(R"({\"peers\":4000000000})"), kPeersToldApart + 1);
  for (const char* bad : {"", "37", "[]", R"({\"peers\":-1})", R"({\"peers\":\"37\"})",
                          R"({\"peers\":99999999999})", R"({\"peers\":3.5})", R"({\"peers\":37)"})
    EXPECT_EQ(facts(bad), 0U) << bad;
  EXPECT_EQ(facts(std::string(100'000, '[')), 0U);
}

// The name is stored in other people's clusters: this number never changes.
TEST(EventJson, KeyIsTheSameOnEveryRun) {
  EXPECT_EQ(event_name(subject()), "web-7c9d-abcde.18ec49cb434d05f2");
}

TEST(EventJson, EveryPartOfTheKeyCounts) {
  const Cause a{"a"}, b{"b"};
  const DropKey key = port_key("10.0.0.1", "10.0.0.2", 80, IPPROTO_TCP, &a);
  const auto receiving = [](const DropKey& k) {
    return event_key("uid", Direction::kReceiving, k);
  };
  const std::uint64_t base = receiving(key);
  EXPECT_NE(base, event_key("uie", Direction::kReceiving, key));
  EXPECT_NE(base, event_key("uid", Direction::kSending, key));
  EXPECT_NE(base, receiving(port_key("10.0.0.9", "10.0.0.2", 80, IPPROTO_TCP, &a)));
  EXPECT_NE(base, receiving(port_key("10.0.0.1", "10.0.0.2", 81, IPPROTO_TCP, &a)));
  EXPECT_NE(base, receiving(port_key("10.0.0.1", "10.0.0.2", 80, IPPROTO_UDP, &a)));
  EXPECT_NE(base, receiving(port_key("10.0.0.1", "10.0.0.2", 80, IPPROTO_TCP, &b)));
  EXPECT_NE(base, receiving(port_key("10.0.0.1", "10.0.0.2", 80)));
  // The Pod's own address is not part of it: dual stack or not, the Pod is its uid.
  EXPECT_EQ(base, receiving(port_key("10.0.0.1", "10.0.0.3", 80, IPPROTO_TCP, &a)));
  const ServiceAddress service{make::ip("10.96.0.17"), 80}, other{make::ip("10.96.0.17"), 81};
  DropKey through = key;
  through.service = &service;
  const std::uint64_t of_service = receiving(through);
  EXPECT_NE(base, of_service);
  through.service = &other;
  EXPECT_NE(of_service, receiving(through));
  const ServiceAddress again = service;
  through.service = &again;
  EXPECT_EQ(of_service, receiving(through));
  EXPECT_NE(base, shared_event_key("uid", Direction::kReceiving, key));
  const Cause same{"a"};  // another process, another pointer
  EXPECT_EQ(base, receiving(port_key("10.0.0.1", "10.0.0.2", 80, IPPROTO_TCP, &same)));
}

// One flow of many, and all that ingest has folded: the same Event.
TEST(EventJson, TheSharedKeyIsThatOfEveryPeer) {
  const DropKey key = port_key("10.0.0.1", "10.0.0.2", 80);
  const auto shared = [](const DropKey& k, Direction direction = Direction::kReceiving) {
    return shared_event_key("uid", direction, k);
  };
  DropKey folded = key;
  folded.fold = Fold::kSources;
  folded.src = IpAddr();
  EXPECT_EQ(shared(key), shared(port_key("10.0.0.9", "10.0.0.2", 80)));
  EXPECT_EQ(shared(key), shared(folded));
  EXPECT_EQ(shared(key), event_key("uid", Direction::kReceiving, folded));  // as it always was
  EXPECT_EQ(shared(key, Direction::kSending),
            shared(port_key("10.0.0.1", "10.0.0.7", 80), Direction::kSending));
  EXPECT_NE(shared(key), shared(key, Direction::kSending));
  EXPECT_NE(shared(key), shared(port_key("10.0.0.1", "10.0.0.2", 81)));
  EXPECT_EQ(shared(key), 6'377'785'194'429'710'969U);  // as stored: this number never changes
}

TEST(EventJson, TheServiceIsAFactOfItsOwn) {
  EventSubject s = subject();
  EXPECT_EQ(event_body(s, record(), {}).find("serviceAddress"), std::string::npos);
  s.service_address = "[fd00::17]:5432";
  EXPECT_NE(event_body(s, record(), {}).find(R"(\"serviceAddress\":\"[fd00::17]:5432\")"),
            std::string::npos);
}

TEST(EventJson, NameOfALongPodFits) {
  EventSubject s = subject();
  s.pod.name = std::string(235, 'a') + "-." + std::string(16, 'b');
  const std::string name = event_name(s);
  EXPECT_LE(name.size(), 253U);
  EXPECT_EQ(name.substr(0, 236), std::string(235, 'a') + '.');
}

TEST(EventJson, CountIsAnInt32) {
  EventRecord r = record();
  r.total = std::uint64_t{1} << 40;
  EXPECT_NE(event_patch(subject(), r).find("\"count\":2147483647"), std::string::npos);
  EXPECT_NE(event_patch(subject(), r).find("5eed.4 1099511627776"), std::string::npos);
}

TEST(EventJson, ReadsBackWhatItWrote) {
  const std::optional<StoredEvent> stored = parse_event(event_body(subject(), record(), {}));
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->count, 37U);
  EXPECT_EQ(stored->first, wall());
  EXPECT_EQ(stored->stamp, "5eed.4");
  EXPECT_EQ(stored->stamped, 7U);
}

TEST(EventJson, HostileAnswersReadAsAbsent) {
  EXPECT_FALSE(parse_event(""));
  EXPECT_FALSE(parse_event("Too many requests, please try again later."));
  EXPECT_FALSE(parse_event("[]"));
  EXPECT_FALSE(parse_event(R"({"kind":"Status","count":3})"));
  EXPECT_FALSE(parse_event(std::string(100'000, '[')));
  EXPECT_FALSE(parse_event(R"({"kind":"Event","x":")" + std::string(2U << 20, 'x') + "\"}"));
  const auto odd = parse_event(
      R"({"kind":"Event","count":-1,"firstTimestamp":7,"metadata":{"resourceVersion":{},)"
      R"("annotations":{"kube-nflog/tally":"a 99999999999999999999999"}}})");
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->count, 0U);
  EXPECT_FALSE(odd->first);
  EXPECT_EQ(odd->stamp, "");
  EXPECT_EQ(odd->stamped, 0U);
  EXPECT_EQ(parse_event(R"({"kind":"Event","count":1e30,"metadata":[]})")->count, 0U);
  EXPECT_FALSE(parse_event(R"({"kind":"Event","firstTimestamp":"1960-01-01T00:00:00Z"})")->first);
  // RapidJSON reads an escaped lone surrogate as bytes that are not UTF-8.
  const auto surrogate = parse_event(R"({"kind":"Event","metadata":{"resourceVersion":"\udddd",)"
                                     R"("annotations":{"kube-nflog/tally":"\udddd 7"}}})");
  ASSERT_TRUE(surrogate);
  EXPECT_EQ(surrogate->stamp + surrogate->resource_version, "");
  EXPECT_EQ(surrogate->stamped, 0U);
}

// Every prefix and every one-byte change of a good answer: no crash, no over-read (sanitizers
// watch).
TEST(EventJson, DamagedAnswersAreHarmless) {
  const std::string good = event_body(subject(Peers::kMany), record_of(37), {});
  std::mt19937 random(1);
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    EXPECT_FALSE(parse_event(std::string_view(good).substr(0, cut)));
    std::string changed = good;
    changed[cut] = static_cast<char>(random());
    if (const auto stored = parse_event(changed)) {
      EXPECT_LE(stored->count, std::numeric_limits<std::int32_t>::max());
      EXPECT_LE(stored->peers, kPeersToldApart + 1);
    }
    explain_answer(changed);
  }
}

TEST(EventJson, ExplainsAnAnswerForTheLog) {
  EXPECT_EQ(explain_answer(R"({"kind":"Status","message":"events is forbidden"})"),
            "events is forbidden");
  EXPECT_EQ(explain_answer("Too many requests,\nplease"), "Too many requests,?please");
  EXPECT_LE(explain_answer(std::string(5000, 'x')).size(), 300U);
}

}  // namespace
}  // namespace kube_nflog
