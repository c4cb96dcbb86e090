// SPDX-License-Identifier: Apache-2.0
#include "nflog/policy_join.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <set>
#include <string>

#include "tests/nflog/bytes.h"

namespace kube_nflog {
namespace {

using std::chrono::milliseconds;
using test::Buffer;
using Names = std::set<std::string>;

constexpr std::uint32_t kPassed = 0x20000;
constexpr SystemTime kNow{std::chrono::seconds(1'700'000'000)};
constexpr SteadyTime kStart = SteadyTime{} + std::chrono::hours(1);

class PolicyJoinTest : public ::testing::Test {
 protected:
  const Cause* policy(const std::string& name) {
    const auto [it, fresh] = policies_.try_emplace(name, nullptr);
    if (fresh) it->second = &causes_.emplace_back(Cause{name});
    return it->second;
  }
  static Record record(Bytes payload, std::uint32_t mark = 0, std::uint32_t physoutdev = 0) {
    Record r;
    r.group = 100;
    r.family = 2;
    r.mark = mark;
    r.physoutdev = physoutdev;
    r.payload = payload;
    return r;
  }
  void hint(const std::string& name, std::uint32_t mark = 0) {
    join.hint(record(packet, mark), policy(name), kNow);
  }
  Names verdict(const Record& r) {
    Names names;
    for (const Cause* cause : join.verdict(r)) EXPECT_TRUE(names.insert(cause->clause).second);
    return names;
  }
  Names verdict(std::uint32_t mark = 0, std::uint32_t physoutdev = 0) {
    return verdict(record(packet, mark, physoutdev));
  }
  void expect_counts(std::uint64_t joined, std::uint64_t unmatched, std::uint64_t overflow) {
    const PolicyJoin::Counts counts = join.take_counts();
    EXPECT_EQ(counts.joined, joined);
    EXPECT_EQ(counts.unmatched, unmatched);
    EXPECT_EQ(counts.overflow, overflow);
  }

  Buffer packet = test::syn();
  std::deque<Cause> causes_;
  std::map<std::string, const Cause*> policies_;
  PolicyJoin join{8};
};

TEST_F(PolicyJoinTest, AVerdictAloneHasNoCandidates) {
  EXPECT_EQ(verdict(), Names());
  EXPECT_EQ(join.deadline(), std::nullopt);
  expect_counts(0, 0, 0);
}

TEST_F(PolicyJoinTest, TheFirstChainsVerdictTakesAll) {
  hint("a");
  hint("b");
  hint("a");
  EXPECT_EQ(verdict(), (Names{"a", "b"}));
  EXPECT_EQ(verdict(), Names());  // closed
  expect_counts(3, 0, 0);
}

TEST_F(PolicyJoinTest, TheSecondChainsVerdictTakesTheMarked) {
  hint("a");
  hint("b", kPassed);
  EXPECT_EQ(verdict(kPassed), Names{"b"});
  hint("a");
  hint("b", kPassed | 0x4000);  // kube-proxy's bit besides
  EXPECT_EQ(verdict(kPassed | 0x4000), Names{"b"});
}

TEST_F(PolicyJoinTest, OnTheBridgeTheFirstChainsSecondWalkIsNotTheSecondChains) {
  hint("shared");
  hint("first");
  hint("shared", kPassed);
  hint("first", kPassed);
  hint("shared", kPassed);
  hint("second", kPassed);
  EXPECT_EQ(verdict(kPassed, 4), (Names{"shared", "second"}));
}

TEST_F(PolicyJoinTest, OnlyTheHeadIsStripped) {
  hint("shared");
  hint("second", kPassed);  // the second walk had no tokens left
  hint("shared", kPassed);
  EXPECT_EQ(verdict(kPassed, 4), (Names{"second", "shared"}));
}

TEST_F(PolicyJoinTest, PacketsAreToldApartByEveryByteTheFamilyAndTheGroup) {
  hint("a");
  Buffer other = packet;
  other.back() ^= std::byte{1};
  EXPECT_EQ(verdict(record(other)), Names());
  EXPECT_EQ(verdict(record(Bytes(packet).first(packet.size() - 1))), Names());
  Record v6 = record(packet);
  v6.family = 10;
  EXPECT_EQ(verdict(v6), Names());
  Record elsewhere = record(packet);
  elsewhere.group = 86;
  EXPECT_EQ(verdict(elsewhere), Names());
  EXPECT_EQ(verdict(), Names{"a"});
}

TEST_F(PolicyJoinTest, LongPacketsAreToldApartBehindWhatIsKept) {
  packet.resize(3028);
  hint("a");
  Buffer other = packet;
  other.back() ^= std::byte{1};
  EXPECT_EQ(verdict(record(other)), Names());
  EXPECT_EQ(verdict(), Names{"a"});
}

// A datagram sent again may have the same bytes (IPv6 has no packet id).
TEST_F(PolicyJoinTest, TheSamePacketAgainStartsAnew) {
  hint("first");
  hint("first", kPassed);
  hint("second", kPassed);  // its verdict was over the limit
  hint("first");
  hint("first", kPassed);
  EXPECT_EQ(verdict(kPassed, 4), Names());
  expect_counts(2, 3, 0);
  hint("first", kPassed);
  EXPECT_EQ(verdict(), Names());  // an unmarked verdict is not of the packet of the marked hint
}

TEST_F(PolicyJoinTest, HintsWithoutANameAreCountedAndNotNamed) {
  join.hint(record(packet), nullptr, kNow);
  hint("a");
  EXPECT_EQ(verdict(), Names{"a"});
  expect_counts(2, 0, 0);
}

TEST_F(PolicyJoinTest, HoldsFor200MillisecondsOfWakeUps) {
  hint("a");
  join.settle(kStart);  // the hold begins
  EXPECT_EQ(join.deadline(), kStart + milliseconds(200));
  join.settle(kStart + milliseconds(199));
  EXPECT_EQ(join.deadline(), kStart + milliseconds(200));
  expect_counts(0, 0, 0);
  join.settle(kStart + milliseconds(200));
  EXPECT_EQ(join.deadline(), std::nullopt);
  expect_counts(0, 1, 0);
  EXPECT_EQ(verdict(), Names());
}

// The reader slept while hints and verdict were waiting in the socket.
TEST_F(PolicyJoinTest, ALateReaderForgetsNothing) {
  join.settle(kStart);
  hint("a");
  EXPECT_EQ(verdict(), Names{"a"});
  hint("b");
  join.settle(kStart + std::chrono::hours(2));
  EXPECT_EQ(verdict(), Names{"b"});
}

TEST_F(PolicyJoinTest, AFurtherHintProlongsTheHold) {
  hint("first");
  join.settle(kStart);
  join.settle(kStart + milliseconds(190));
  hint("first");  // the same bytes again
  join.settle(kStart + milliseconds(210));
  hint("first", kPassed);
  hint("second", kPassed);
  EXPECT_EQ(verdict(kPassed, 4), Names{"second"});
}

TEST_F(PolicyJoinTest, ALossMayHideWhatTellsTheChainsApart) {
  hint("a", kPassed);
  join.lost(kNow);
  EXPECT_EQ(verdict(kPassed), Names());
  hint("a", kPassed);  // begun within a moment of the loss
  EXPECT_EQ(verdict(kPassed), Names());
  hint("a");  // the first chain's are its own, whatever else is missing
  EXPECT_EQ(verdict(), Names{"a"});
  join.hint(record(packet, kPassed), policy("a"), kNow + milliseconds(20));
  EXPECT_EQ(verdict(kPassed), Names{"a"});
  expect_counts(4, 0, 0);
}

TEST_F(PolicyJoinTest, WhenFullTheOldestGivesWay) {
  std::vector<Buffer> packets;
  for (int i = 0; i < 9; ++i) {
    packets.push_back(packet);
    packets.back()[4] = std::byte(i);
    join.hint(record(packets.back()), policy("p" + std::to_string(i)), kNow);
  }
  expect_counts(0, 0, 1);
  EXPECT_EQ(verdict(record(packets[0])), Names());
  for (int i = 8; i > 0; --i)
    EXPECT_EQ(verdict(record(packets[static_cast<unsigned>(i)])), Names{"p" + std::to_string(i)});
  EXPECT_EQ(join.deadline(), std::nullopt);
  expect_counts(8, 0, 0);
}

TEST_F(PolicyJoinTest, MoreHintsThanAreHeldNameTheFirstOrNone) {
  Names first;
  for (std::size_t i = 0; i < PolicyJoin::kMaxHints + 10; ++i) {
    hint("p" + std::to_string(i));
    if (i < PolicyJoin::kMaxHints) first.insert("p" + std::to_string(i));
  }
  EXPECT_EQ(verdict(), first);
  for (std::size_t i = 0; i < PolicyJoin::kMaxHints + 10; ++i) hint("p" + std::to_string(i));
  hint("x", kPassed);
  EXPECT_EQ(verdict(kPassed), Names());  // which are the second chain's is no longer known
  expect_counts(2 * PolicyJoin::kMaxHints + 21, 0, 0);
}

// A node of the real controllers' making, as far as they log: see policy_join.h. Each packet walks
// the chains of its Pods; what may be named is known.
class Node {
 public:
  explicit Node(std::mt19937& dice) : dice_(dice) {
    for (int pod = 0; pod < 5; ++pod) {
      for (int p = 0; p < 7; ++p) {
        if (flip(2)) chains_[pod].push_back(p);
      }
    }
  }

  struct Line {
    Record record;
    std::string policy;    // of a hint
    Names denying;         // of a verdict: all that may be named
    bool certain = false;  // and no token was missing: all that must be
  };

  // The records of one packet from one Pod to another, of the node or not.
  std::deque<Line> walk(Bytes payload, std::uint8_t family) {
    const bool two = flip(2), bridged = two && !flip(3);
    const int first = static_cast<int>(dice_() % 5), second = (first + 1) % 5;
    const unsigned walks = bridged ? 2 : 1;
    // A minute later, or not; never while a packet is on its way.
    if (flip(8)) tokens_[static_cast<int>(dice_() % 7)] = 10;
    std::set<int> allowing;
    for (int p = 0; p < 7; ++p) {
      if (flip(2)) allowing.insert(p);
    }
    Record record;
    record.group = 100;
    record.family = family;
    record.payload = payload;
    record.physoutdev = bridged ? 4 : 0;
    std::deque<Line> lines;
    bool certain = true;
    for (const int pod : two ? std::vector<int>{first, second} : std::vector<int>{first}) {
      for (unsigned n = 0; n < walks; ++n) {
        const bool denied = walk_chain(chains_[pod], allowing, record, lines, certain);
        if (denied) {
          if (!flip(10)) lines.push_back({record, {}, names(chains_[pod]), certain});
          return lines;
        }
        record.mark |= kPassed;
      }
    }
    return lines;
  }

 private:
  bool flip(unsigned n) { return dice_() % n == 0; }
  static std::string name(int policy) { return "ns/p" + std::to_string(policy); }
  static Names names(const std::vector<int>& chain) {
    Names out;
    for (const int p : chain) out.insert(name(p));
    return out;
  }

  // True: denied. A Pod without a policy is open.
  bool walk_chain(const std::vector<int>& chain, const std::set<int>& allowing,
                  const Record& record, std::deque<Line>& lines, bool& certain) {
    bool allowed = chain.empty();
    for (const int p : chain) {
      allowed = allowed || allowing.contains(p);
      if (allowed) continue;  // the rule is `! --mark 0x10000/0x10000 -j NFLOG`
      if (tokens_[p] > 0) {
        --tokens_[p];
        lines.push_back({record, name(p), {}, false});
      } else {
        certain = false;
      }
    }
    return !allowed;
  }

  std::mt19937& dice_;
  std::map<int, std::vector<int>> chains_;
  std::map<int, int> tokens_;
};

// Several packets at once on several CPUs: their records interleave, each packet's in order.
TEST_F(PolicyJoinTest, OverManyNodesNoInnocentPolicyIsNamed) {
  std::mt19937 dice(11);
  std::size_t verdicts = 0, certain = 0, named = 0;
  for (int node_number = 0; node_number < 300; ++node_number) {
    Node node(dice);
    PolicyJoin one(64);
    for (std::uint32_t round = 0; round < 40; ++round) {
      std::vector<Buffer> payloads(1 + dice() % 6, test::syn());
      std::vector<std::deque<Node::Line>> packets;
      for (std::size_t i = 0; i < payloads.size(); ++i) {
        payloads[i][4] = std::byte(round);
        payloads[i][5] = std::byte(i / 2);  // pairs of one payload, one of each family
        packets.push_back(node.walk(payloads[i], i % 2 == 0 ? 2 : 10));
      }
      while (!packets.empty()) {
        const auto packet_it =
            packets.begin() + static_cast<std::ptrdiff_t>(dice() % packets.size());
        if (packet_it->empty()) {
          packets.erase(packet_it);
          continue;
        }
        const Node::Line line = packet_it->front();
        packet_it->pop_front();
        if (!line.policy.empty()) {
          one.hint(line.record, policy(line.policy), kNow);
          continue;
        }
        Names names;
        for (const Cause* cause : one.verdict(line.record)) names.insert(cause->clause);
        ASSERT_TRUE(
            std::includes(line.denying.begin(), line.denying.end(), names.begin(), names.end()))
            << ::testing::PrintToString(names) << " of " << ::testing::PrintToString(line.denying);
        if (line.certain) {
          ASSERT_EQ(names, line.denying);
          ++certain;
        }
        named += names.size();
        ++verdicts;
      }
    }
  }
  EXPECT_GT(verdicts, 5'000u) << certain << " " << named;
  EXPECT_GT(certain, 1'000u);
  EXPECT_GT(named, 5'000u);
}

// Any records, in any order: nothing is counted twice, nothing is forgotten.
TEST_F(PolicyJoinTest, EveryHintEndsOnceWhateverComes) {
  std::mt19937 dice(5);
  std::uint64_t hints = 0, ended = 0;
  SteadyTime now = kStart;
  for (int i = 0; i < 200'000; ++i) {
    Buffer payload = test::syn();
    payload.resize(dice() % 3 == 0 ? 0 : payload.size());
    if (!payload.empty()) payload[5] = std::byte(dice() % 20);
    const Record r = record(payload, dice() % 2 == 0 ? kPassed : 0, dice() % 2);
    switch (dice() % 8) {
      case 0:
        join.verdict(r);
        break;
      case 1:
        join.settle(now += milliseconds(dice() % 100));
        break;
      case 2:
        if (dice() % 10 == 0) join.lost(kNow + milliseconds(i));
        break;
      default:
        join.hint(r, policy("p" + std::to_string(dice() % 4)), kNow + milliseconds(i));
        ++hints;
    }
    const PolicyJoin::Counts counts = join.take_counts();
    ended += counts.joined + counts.unmatched + counts.overflow;
    ASSERT_LE(ended, hints);
  }
  join.settle(now);
  join.settle(now + std::chrono::seconds(1));
  const PolicyJoin::Counts counts = join.take_counts();
  EXPECT_EQ(ended + counts.joined + counts.unmatched + counts.overflow, hints);
  EXPECT_EQ(join.deadline(), std::nullopt);
}

}  // namespace
}  // namespace kube_nflog
