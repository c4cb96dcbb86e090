// SPDX-License-Identifier: Apache-2.0
// Calico's flow logs, through the whole intake: of the records of one packet (a pass for each tier,
// staged policies, egress in group 2 and then ingress in group 1) exactly one drop comes where it
// is denied, with the enforced cause, and none where it is allowed; however packets and datagrams
// mix. Made by hand after felix/rules: it writes D right before each enforced DROP, so a packet has
// at most one.
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "nflog/intake.h"
#include "tests/nflog/bytes.h"

namespace kube_nflog {
namespace {

using test::Buffer;

constexpr std::array<std::uint16_t, 2> kGroups{1, 2};
constexpr SystemTime kNow{std::chrono::seconds(1'800'000'000)};
const std::string kHash = "_x-9" + std::string(38, 'h') + "_";

struct Walk {
  std::vector<std::string> records;  // group 2 where the direction is E, else 1
  std::string cause;                 // empty: allowed
};

const std::vector<Walk> kWalks{
    // since 3.32
    {{"APE0|np/shop/allow-out", "PPI0|gnp/tier-1.pass", "DPI|default"},
     "ingress denied in tier default: no policy allows it"},
    {{"ARE0|kns.shop", "PPI|tier-1", "PPI|tier-2", "DPI3|np/shop/deny-all"},
     "ingress denied by NetworkPolicy shop/deny-all"},
    {{"PPE|tier-1", "DPE0|kcnp/kcnp.kube-admin.no-ssh"},
     "egress denied by ClusterNetworkPolicy no-ssh"},
    {{"PPE|default", "DRE"}, "egress denied: no profile allows it"},
    {{"PPE|default", "ARE0|kns.shop", "PPI|default", "DRI0|ksa.shop.web"},
     "ingress denied by profile ksa.shop.web"},
    {{"DPE0|sgnp/try-it", "DPE1|gnp/no-egress"}, "egress denied by GlobalNetworkPolicy no-egress"},
    {{"DPI0|snp/shop/try-it", "DPI|snp/shop/another", "DPI|default"},
     "ingress denied in tier default: no policy allows it"},
    {{"APE0|np/shop/allow", "DPI|sknp/shop/try-it", "API0|knp/shop/knp.default.allow"}, ""},
    {{"DPI0|sgnp/" + kHash + "n-ever-try", "API0|np/shop/allow"}, ""},
    {{"PPI|default", "DPI0|np/sh" + kHash + "ledger-api"},
     "ingress denied by NetworkPolicy sh…ledger-api"},
    {{"PPE|a", "PPI|a", "APE0|gnp/dns"}, ""},
    // 3.30 and 3.31
    {{"APE0|default.allow-out", "PPI0|tier-1.pass", "DPI0|shop/tier-1.policy-2"},
     "ingress denied by NetworkPolicy shop/tier-1.policy-2"},
    {{"DPI0|shop/staged:knp.default.try", "DPI|staged:tier-1.x", "DPI0|shop/tier-1.policy-2"},
     "ingress denied by NetworkPolicy shop/tier-1.policy-2"},
    {{"DPE|shop/staged:tier-1.x", "PPE|tier-1", "APE0|shop/knp.default.allow"}, ""},
    {{"DPE0|kanp.adminnetworkpolicy.no-ssh"}, "egress denied by AdminNetworkPolicy no-ssh"},
    {{"DPE0|stage" + kHash + "er-1.try-x", "ARE0|kns.shop"}, ""},
};

struct Packet {
  const Walk* walk;
  std::uint16_t number;  // the destination port, so that a drop tells whose it is
  std::size_t next = 0;  // record
};

Buffer payload(std::uint16_t number) {
  Buffer packet = test::syn();
  packet[22] = std::byte(number >> 8);
  packet[23] = std::byte(number & 0xff);
  return packet;
}

class CalicoFlowLogs : public ::testing::TestWithParam<bool> {
 protected:
  // The records of all packets, each packet's in order, the packets in any: as a node with many
  // CPUs logs them. Each group has its own sequence.
  std::vector<Buffer> interleaved(std::vector<Packet> packets, std::mt19937& dice) {
    std::vector<Buffer> records;
    while (!packets.empty()) {
      const std::size_t i = dice() % packets.size();
      Packet& packet = packets[i];
      const std::string& prefix = packet.walk->records[packet.next++];
      const std::uint16_t group = prefix[2] == 'E' ? 2 : 1;
      records.push_back(test::record({.group = group,
                                      .seq = sequence_[group]++,
                                      .prefix = prefix,
                                      .payload = payload(packet.number)}));
      if (packet.next == packet.walk->records.size())
        packets.erase(packets.begin() + static_cast<std::ptrdiff_t>(i));
    }
    return records;
  }

  // One a datagram, or many with the kernel's end mark.
  void take(const std::vector<Buffer>& records, std::mt19937& dice) {
    for (std::size_t i = 0; i < records.size();) {
      Buffer datagram;
      for (std::size_t n = GetParam() ? 1 + dice() % 40 : 1; n > 0 && i < records.size(); --n, ++i)
        datagram.insert(datagram.end(), records[i].begin(), records[i].end());
      if (GetParam()) {
        const Buffer done = test::message(3, Buffer(4));
        datagram.insert(datagram.end(), done.begin(), done.end());
      }
      intake.take(datagram, kNow, drops);
    }
    intake.publish();
  }

  Metrics metrics{kGroups};
  CauseTable causes;
  Intake intake{kGroups, causes, metrics};
  std::vector<Drop> drops;

 private:
  std::map<std::uint16_t, std::uint32_t> sequence_;
};

TEST_P(CalicoFlowLogs, ADeniedPacketIsOneDropAndAnAllowedOneNone) {
  std::mt19937 dice(11);
  constexpr std::size_t kRounds = 100;
  std::vector<Packet> packets;
  std::size_t records = 0;
  for (std::size_t i = 0; i < kRounds * kWalks.size(); ++i) {
    packets.push_back(
        {.walk = &kWalks[i % kWalks.size()], .number = static_cast<std::uint16_t>(i)});
    records += packets.back().walk->records.size();
  }
  take(interleaved(packets, dice), dice);

  std::map<std::uint16_t, std::string> told;
  for (const Drop& drop : drops) {
    ASSERT_NE(drop.key.cause, nullptr);
    EXPECT_TRUE(told.emplace(drop.key.detail, drop.key.cause->clause).second) << "a second drop";
  }
  for (const Packet& packet : packets) {
    const auto it = told.find(packet.number);
    EXPECT_EQ(it == told.end() ? "" : it->second, packet.walk->cause) << packet.walk->records[0];
  }
  EXPECT_EQ(metrics.seen.value(), records);
  EXPECT_EQ(metrics.suppressed[Why::kAllowed].value(), records - drops.size());
  EXPECT_EQ(metrics.lost[Where::kUndecodable].value(), 0u);
  EXPECT_EQ(metrics.lost[Where::kNetlinkOverrun].value(), 0u);
}

// Datagrams that a client sends again may be equal to the last byte: they are packets all the same.
TEST_P(CalicoFlowLogs, EqualPacketsAreAsManyDrops) {
  std::mt19937 dice(12);
  take(interleaved(std::vector<Packet>(50, {.walk = &kWalks[0], .number = 53}), dice), dice);
  EXPECT_EQ(drops.size(), 50u);
}

INSTANTIATE_TEST_SUITE_P(Datagrams, CalicoFlowLogs, ::testing::Bool(),
                         [](const auto& test) { return test.param ? "batched" : "single"; });

}  // namespace
}  // namespace kube_nflog
