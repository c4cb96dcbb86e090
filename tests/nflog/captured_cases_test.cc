// SPDX-License-Identifier: Apache-2.0
// Every case that the real kube-router and k3s controllers logged, through the whole intake: an
// allowed packet makes no drop, a denied one exactly one, with its candidates and no others.
#include "tests/nflog/captured_cases.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "nflog/intake.h"

namespace kube_nflog {
namespace {

using test::Buffer;
using test::CapturedCase;

constexpr std::array<std::uint16_t, 1> kGroups{100};
constexpr SystemTime kNow{std::chrono::seconds(1'800'000'000)};

// One agent.
struct Agent {
  Metrics metrics{kGroups};
  CauseTable causes;
  Intake intake{kGroups, causes, metrics};

  std::vector<Drop> take(Bytes datagram) {
    std::vector<Drop> drops;
    intake.take(datagram, kNow, drops);
    intake.publish();
    return drops;
  }
};

std::string clause_of(const Drop& drop) {
  return drop.key.cause == nullptr ? std::string() : drop.key.cause->clause;
}

// What holds of any drop of a case, whatever came before it.
void expect_true_of(const CapturedCase& c, const Drop& drop) {
  static const auto pods = test::captured_pods();
  const IpAddr& end = c.direction == "egress" ? drop.key.src : drop.key.dst;
  EXPECT_TRUE(pods.at(c.pod).contains(end.to_string())) << c.title << ": " << end.to_string();
  if (clause_of(drop).starts_with("egress ")) {
    EXPECT_EQ(c.direction, "egress") << c.title;
  }
  for (const std::string& name : test::candidates_of(clause_of(drop))) {
    // Of the namespace of the Pod whose policies denied, as far as k3s leaves it whole.
    const std::string of_policy = name.substr(0, name.find('/'));
    EXPECT_TRUE(c.pod.starts_with(of_policy)) << c.title << ": " << name;
  }
}

void expect_case(const CapturedCase& c, const std::vector<Drop>& drops) {
  EXPECT_EQ(drops.size(), c.packets_denied) << c.title;
  for (const Drop& drop : drops) {
    expect_true_of(c, drop);
    EXPECT_EQ(test::candidates_of(clause_of(drop)), c.candidates) << c.title << clause_of(drop);
  }
}

// Whether the record itself shows that the sender's policies denied: the packet left the bridge for
// another node (E1, V8), or came to the node itself (E3).
bool shows_its_sender(const CapturedCase& c) {
  if (c.direction != "egress" || c.candidates.empty()) return false;
  return c.title.find("other node") != std::string::npos ||
         c.title.find("INPUT") != std::string::npos;
}

// As the kernel ends a datagram of several records.
Buffer batched(const std::vector<Buffer>& records) {
  Buffer out;
  for (const Buffer& record : records) out.insert(out.end(), record.begin(), record.end());
  const Buffer done = test::message(3, Buffer(4));
  out.insert(out.end(), done.begin(), done.end());
  return out;
}

TEST(CapturedCases, AreAllThere) {
  const auto cases = test::captured_cases();
  EXPECT_EQ(cases.size(), 51u);
  EXPECT_EQ(std::count_if(cases.begin(), cases.end(),
                          [](const CapturedCase& c) { return c.packets_denied == 0; }),
            6);
}

TEST(CapturedCases, RecordByRecord) {
  for (const CapturedCase& c : test::captured_cases()) {
    Agent agent;
    std::vector<Drop> drops;
    for (const Buffer& record : c.records) {
      for (const Drop& drop : agent.take(record)) drops.push_back(drop);
    }
    expect_case(c, drops);
    EXPECT_EQ(agent.metrics.seen.value(), c.records.size());
    EXPECT_EQ(agent.metrics.suppressed[Why::kHint].value(), c.records.size() - c.packets_denied);
  }
}

// The cause, and with it the end that it names, is the same on the Events of both Pods.
TEST(CapturedCases, WhereTheRecordShowsItTheSendersPoliciesAreSaidToDeny) {
  std::size_t shown = 0;
  for (const CapturedCase& c : test::captured_cases()) {
    Agent agent;
    for (const Drop& drop : agent.take(batched(c.records))) {
      EXPECT_EQ(clause_of(drop).starts_with("egress denied by NetworkPolicy"), shows_its_sender(c))
          << c.title << ": " << clause_of(drop);
    }
    shown += shows_its_sender(c) ? 1 : 0;
  }
  EXPECT_EQ(shown, 3u);
}

TEST(CapturedCases, InOneDatagramEach) {
  for (const CapturedCase& c : test::captured_cases()) {
    Agent agent;
    expect_case(c, agent.take(batched(c.records)));
  }
}

// The records of one packet in two datagrams, wherever they are parted, and a wake-up in between.
TEST(CapturedCases, PartedAtEveryRecord) {
  for (const CapturedCase& c : test::captured_cases()) {
    for (std::size_t part = 1; part < c.records.size(); ++part) {
      Agent agent;
      const auto middle = c.records.begin() + static_cast<std::ptrdiff_t>(part);
      std::vector<Drop> drops = agent.take(batched({c.records.begin(), middle}));
      agent.intake.settle(SteadyTime{} + std::chrono::hours(1));
      agent.intake.settle(SteadyTime{} + std::chrono::hours(1) + std::chrono::milliseconds(150));
      for (const Drop& drop : agent.take(batched({middle, c.records.end()}))) drops.push_back(drop);
      expect_case(c, drops);
    }
  }
}

// One agent sees them all, one controller after the other: then what it remembers of a flow may add
// candidates, of that flow, and the gaps between the cases are losses.
TEST(CapturedCases, InOneStream) {
  Agent agent;
  std::size_t denied = 0, dropped = 0;
  for (const CapturedCase& c : test::captured_cases()) {
    denied += c.packets_denied;
    for (const Drop& drop : agent.take(batched(c.records))) {
      ++dropped;
      expect_true_of(c, drop);
      const std::set<std::string> named = test::candidates_of(clause_of(drop));
      EXPECT_TRUE(
          std::includes(named.begin(), named.end(), c.candidates.begin(), c.candidates.end()))
          << c.title << ": " << clause_of(drop);
    }
  }
  EXPECT_EQ(dropped, denied);
  agent.intake.settle(SteadyTime{});
  agent.intake.settle(SteadyTime{} + std::chrono::seconds(1));
  agent.intake.publish();
  const auto& hints = agent.metrics.hints;
  EXPECT_EQ(hints[HintResult::kJoined].value() + hints[HintResult::kUnmatched].value(),
            agent.metrics.suppressed[Why::kHint].value());
  EXPECT_EQ(hints[HintResult::kOverflow].value(), 0u);
}

TEST(CapturedCases, DatagramsAsTheKernelBatchedThem) {
  const auto datagrams =
      test::captured("nflog/kube-router/k3s.nflog-batched-datagrams.txt", "  RAWDGRAM ");
  ASSERT_EQ(datagrams.size(), 2u);
  Agent agent;
  const std::vector<Drop> first = agent.take(datagrams[0]);
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(clause_of(first[0]),
            "denied by NetworkPolicy; candidates: shop/allow-443, shop/allow-80, "
            "shop/default-deny-ingress");
  // An allowed connection, a denied one and one denied at its sender.
  const std::vector<Drop> second = agent.take(datagrams[1]);
  ASSERT_EQ(second.size(), 2u);
  EXPECT_EQ(second[0].key.detail, 53);
  EXPECT_EQ(clause_of(second[0]), clause_of(first[0]));
  EXPECT_EQ(clause_of(second[1]),
            "egress denied by NetworkPolicy; candidates: lockdown/default-deny-egress");
}

TEST(CapturedCases, TwoPoliciesOfOnePod) {
  Agent agent;
  std::vector<Drop> drops;
  for (const Buffer& record : test::captured("nflog/k3s-two-policies.txt")) {
    for (const Drop& drop : agent.take(record)) drops.push_back(drop);
  }
  ASSERT_EQ(drops.size(), 1u);
  EXPECT_EQ(drops[0].key.detail, 22);
  EXPECT_EQ(clause_of(drops[0]),
            "denied by NetworkPolicy; candidates: default/allow-443, default/allow-80");
}

}  // namespace
}  // namespace kube_nflog
