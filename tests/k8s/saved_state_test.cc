// SPDX-License-Identifier: Apache-2.0
#include "k8s/saved_state.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "k8s/describe.h"
#include "tests/k8s/make.h"

namespace kube_nflog {
namespace {

using make::ip;
using make::wall;

class SavedStateTest : public testing::Test {
 protected:
  SavedStateTest() {
    const Cause* const cause = causes.intern("by rule \"my-drop\"");
    const Interfaces* const pair =
        interfaces.intern({.in = *InterfaceName::parse("eth0"), .out = InterfaceName()});
    state.time = wall();
    state.run_id = "lineage";
    state.forgotten = 7;
    DropKey key = make::port_key("10.0.0.1", "fd00::2", 53, IPPROTO_UDP, cause);
    EventSubject subject =
        describe(key, Direction::kReceiving, make::owner(make::pod("shop", "web", "uid-web")), {},
                 PeerNaming::By::kWorkload, Peers::kMany);
    subject.interfaces = pair;
    SavedEvent& event = state.events.emplace_back();
    event.subject = std::make_shared<const EventSubject>(std::move(subject));
    event.record = {.total = 12,
                    .told = 7,
                    .base = 100,
                    .peers = {.addresses = 3, .complete = false, .memory = 9},
                    .base_peers = 2,
                    .first = wall(1),
                    .last = wall(2),
                    .stamp = "lineage.3.0",
                    .exists = true,
                    .unsure = false,
                    .resource_version = "not kept"};
    event.ledger = 5;
    event.not_before = wall(60);
    event.idle_since = wall(3);
    event.interval = std::chrono::minutes(2);
    SavedPeers& peers = state.peers.emplace_back();
    peers.pod = 99;
    peers.cause = cause;
    peers.detail = 53;
    peers.detail_kind = Detail::kPort;
    peers.protocol = IPPROTO_UDP;
    peers.direction = Direction::kSending;
    peers.last = wall(4);
    peers.own = {{ip("10.0.0.7"), wall(5)}, {ip("fd00::7"), wall(6)}};
    peers.memory = 9;
    peers.event = 1234;
    peers.full = true;
    peers.example = ip("10.0.0.8");
    peers.others = {ip("10.0.0.9")};
    peers.shared_last = wall(7);
    state.drops.push_back({{key, 3, wall(8), wall(9), {}, pair}, Direction::kSending});
    key.cause = nullptr;
    state.drops.push_back({{key, 4, wall(8), wall(9), ip("10.0.0.1"), nullptr}, {}});
  }
  std::optional<SavedState> parse(std::string_view bytes) {
    return parse_saved_state(bytes, causes, interfaces);
  }

  CauseTable causes;
  InterfaceTable interfaces;
  SavedState state;
};

TEST_F(SavedStateTest, IsReadAsItWasWritten) {
  const std::string bytes = to_bytes(state);
  const std::optional<SavedState> read = parse(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(to_bytes(*read), bytes) << "every field that is written";
  EXPECT_EQ(read->run_id, "lineage");
  EXPECT_EQ(read->forgotten, 7U);
  ASSERT_EQ(read->events.size(), 1U);
  const SavedEvent& event = read->events[0];
  EXPECT_EQ(message_of(*event.subject, event.record),
            message_of(*state.events[0].subject, state.events[0].record));
  EXPECT_EQ(event.subject->key, state.events[0].subject->key);
  EXPECT_EQ(event.subject->port, 53);
  EXPECT_EQ(event.subject->interfaces, state.events[0].subject->interfaces) << "interned";
  EXPECT_EQ(event.record.count(), 112U);
  EXPECT_EQ(event.record.told, 7U);
  EXPECT_EQ(event.record.stamp, "lineage.3.0");
  EXPECT_TRUE(event.record.exists);
  EXPECT_EQ(event.record.resource_version, "") << "it would be an old one";
  EXPECT_EQ(event.ledger, 5U);
  EXPECT_EQ(event.interval, std::chrono::minutes(2));
  ASSERT_EQ(read->peers.size(), 1U);
  EXPECT_EQ(read->peers[0].cause, state.peers[0].cause) << "interned";
  EXPECT_EQ(read->peers[0].own[1].peer, ip("fd00::7"));
  EXPECT_EQ(read->peers[0].others, state.peers[0].others);
  ASSERT_EQ(read->drops.size(), 2U);
  EXPECT_EQ(read->drops[0].drop.key, state.drops[0].drop.key);
  EXPECT_EQ(read->drops[0].told, Direction::kSending);
  EXPECT_FALSE(read->drops[1].told);
  EXPECT_EQ(read->drops[1].drop.example, ip("10.0.0.1"));
}

TEST_F(SavedStateTest, ACutOneIsNone) {
  const std::string bytes = to_bytes(state);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(parse(bytes.substr(0, size))) << size;
  EXPECT_FALSE(parse(bytes + '\0'));
}

TEST_F(SavedStateTest, AnyChangeLeavesSomethingSoundOrNothing) {
  const std::string bytes = to_bytes(state);
  std::size_t taken = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (const int change : {0x01, 0x80, 0xff}) {
      std::string changed = bytes;
      changed[i] = static_cast<char>(changed[i] ^ change);
      const std::optional<SavedState> read = parse(changed);
      if (!read) continue;
      ++taken;
      for (const SavedEvent& event : read->events) message_of(*event.subject, event.record);
      EXPECT_EQ(to_bytes(*read), changed);
    }
  }
  EXPECT_GT(taken, 0U) << "numbers may be any";
}

TEST_F(SavedStateTest, WhatCannotBePrintedOrPointsOutsideIsNotTaken) {
  const auto with = [this](auto change) {
    SavedState other = state;
    auto subject = std::make_shared<EventSubject>(*state.events[0].subject);
    change(other, *subject);
    other.events[0].subject = std::move(subject);
    return parse(to_bytes(other)).has_value();
  };
  EXPECT_TRUE(with([](SavedState&, EventSubject&) {}));
  EXPECT_FALSE(with([](SavedState&, EventSubject& s) { s.message += '\n'; }));
  EXPECT_FALSE(with([](SavedState&, EventSubject& s) { s.message.append(1'024, 'x'); }));
  EXPECT_FALSE(with([](SavedState&, EventSubject& s) { s.peer_end = s.message.size(); }));
  EXPECT_FALSE(with([](SavedState&, EventSubject& s) { s.peer_begin = s.peer_end + 1; }));
  EXPECT_FALSE(with([](SavedState&, EventSubject& s) { s.pod.name.clear(); }));
  EXPECT_FALSE(with([](SavedState& s, EventSubject&) { s.events[0].record.stamp = "a b"; }));
  EXPECT_FALSE(with([](SavedState& s, EventSubject&) { s.time = SystemTime::max(); }));
  EXPECT_FALSE(with([](SavedState& s, EventSubject&) { s.drops[0].drop.count = 0; }));
  EXPECT_FALSE(with([](SavedState& s, EventSubject&) { s.peers[0].memory = UINT32_MAX; }));
  const auto with_fold = [&with](Fold fold) {
    return with([fold](SavedState& s, EventSubject&) { s.drops[1].drop.key.fold = fold; });
  };
  EXPECT_TRUE(with_fold(Fold::kDestinations));
  EXPECT_FALSE(with_fold(static_cast<Fold>(static_cast<int>(Fold::kDestinations) + 1)));
}

TEST(ClockPair, SteadyTimesSurviveAsWallTimes) {
  using namespace std::chrono_literals;
  const ClockPair old{wall(), SteadyTime(1000s)}, now{wall(60), SteadyTime(5s)};
  const SystemTime saved = old.wall_time(SteadyTime(990s));
  EXPECT_EQ(now.steady_time(saved, now.steady), SteadyTime(-65s));
  const ClockPair set_back{wall(-3600), SteadyTime(5s)};
  EXPECT_EQ(set_back.steady_time(saved, set_back.steady), SteadyTime(5s)) << "not in the future";
}

}  // namespace
}  // namespace kube_nflog
