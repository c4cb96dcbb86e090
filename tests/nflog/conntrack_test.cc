// SPDX-License-Identifier: Apache-2.0
#include "nflog/conntrack.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "nflog/packet.h"
#include "tests/nflog/bytes.h"

namespace kube_nflog {
namespace {

using test::Buffer;
using test::ConntrackSpec;
using test::hex;

// 10.42.0.11:36943 called the Service 10.96.0.17:5432, which is 10.42.0.10:8080.
ConntrackSpec original() {
  return {.src = hex("0a2a000b"), .dst = hex("0a600011"), .src_port = 36943, .dst_port = 5432};
}
ConntrackSpec reply() {
  return {.src = hex("0a2a000a"), .dst = hex("0a2a000b"), .src_port = 8080, .dst_port = 36943};
}

Drop drop_of(const Buffer& packet, std::uint16_t ether_type = kEtherTypeIpv4) {
  Drop drop;
  EXPECT_TRUE(decode_packet(ether_type, packet, drop));
  return drop;
}

std::string told(const Buffer& conntrack, const Drop& drop) {
  const auto address = original_destination(conntrack, drop);
  if (!address) return "nothing";
  return address->address.to_string() + ' ' + std::to_string(address->port);
}

TEST(Conntrack, TellsWhereASynWasSentBeforeDnat) {
  EXPECT_EQ(told(conntrack(original(), reply()), drop_of(test::syn())), "10.96.0.17 5432");
}

TEST(Conntrack, AnotherPortAloneIsARewrite) {
  ConntrackSpec node_port = original();
  node_port.dst = hex("0a2a000a");
  node_port.dst_port = 30080;
  EXPECT_EQ(told(conntrack(node_port, reply()), drop_of(test::syn())), "10.42.0.10 30080");
}

TEST(Conntrack, WithoutDnatThereIsNothingToTell) {
  ConntrackSpec direct = original();
  direct.dst = hex("0a2a000a");
  direct.dst_port = 8080;
  EXPECT_EQ(told(conntrack(direct, reply()), drop_of(test::syn())), "nothing");
}

TEST(Conntrack, TellsIpv6) {
  const std::string client = "fd000001000000000000000000000002";
  const std::string service = "fd000010009600000000000000000011";
  const std::string pod = "fd000001000000000000000000000003";
  const Drop drop =
      drop_of(hex("60000000 0014 06 40" + client + pod + "9c401f90 00000000 00000000 5002"),
              kEtherTypeIpv6);
  const ConntrackSpec sent{
      .src = hex(client), .dst = hex(service), .src_port = 40000, .dst_port = 443};
  const ConntrackSpec back{
      .src = hex(pod), .dst = hex(client), .src_port = 8080, .dst_port = 40000};
  EXPECT_EQ(told(conntrack(sent, back), drop), "fd00:10:96::11 443");
}

TEST(Conntrack, APacketWithoutPortsIsToldByAddressAlone) {
  const Drop echo = drop_of(hex("45000000 00010000 40010000 0a2a000b 0a2a000a 0800 0000 0001"));
  ConntrackSpec sent = original();
  sent.protocol = 1;
  sent.dst_port = 0;
  EXPECT_EQ(told(conntrack(sent, reply()), echo), "10.96.0.17 0");
}

// The answer to a call is sent to where the call came from, not to the Service.
TEST(Conntrack, AnAnswerHasNoOriginalDestination) {
  const Drop answer =
      drop_of(hex("45000028 00004000 40060000 0a2a000a 0a2a000b 1f90904f 00000000 00000000 5012"));
  EXPECT_EQ(told(conntrack(original(), reply()), answer), "nothing");
}

TEST(Conntrack, NorHasTheAnswerOfAPodThatCalledItself) {
  ConntrackSpec sent = original(), back = reply();
  sent.src = back.dst = hex("0a2a000a");
  const Drop call =
      drop_of(hex("45000028 00004000 40060000 0a2a000a 0a2a000a 904f1f90 00000000 00000000 5002"));
  const Drop answer =
      drop_of(hex("45000028 00004000 40060000 0a2a000a 0a2a000a 1f90904f 00000000 00000000 5012"));
  EXPECT_EQ(told(conntrack(sent, back), call), "10.96.0.17 5432");
  EXPECT_EQ(told(conntrack(sent, back), answer), "nothing");
}

// The kernel gives an ICMP error the connection of the packet that it quotes.
TEST(Conntrack, AnIcmpErrorAboutAConnectionIsNotOfIt) {
  const std::string quoted = "45000028 00000000 40060000 0a2a000a 0a2a000b 1f90904f";
  const Drop error =
      drop_of(hex("45000000 00010000 40010000 0a2a000b 0a2a000a 0303 0000 00000000" + quoted));
  EXPECT_EQ(told(conntrack(original(), reply()), error), "nothing");
}

TEST(Conntrack, OnlyTheOriginalTupleCounts) {
  const Drop drop = drop_of(test::syn());
  EXPECT_EQ(told(test::conntrack_tuple(2, original()), drop), "nothing");
  EXPECT_EQ(told({}, drop), "nothing");
  ConntrackSpec no_ports = original();
  no_ports.dst_port = 0;
  EXPECT_EQ(told(test::conntrack_tuple(1, no_ports), drop), "nothing");
}

TEST(Conntrack, CutAnywhereItTellsTheTruthOrNothing) {
  const Buffer whole = conntrack(original(), reply());
  const Drop drop = drop_of(test::syn());
  std::size_t truths = 0;
  for (std::size_t n = 0; n <= whole.size(); ++n) {
    const Buffer cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));
    const std::string text = told(cut, drop);
    EXPECT_TRUE(text == "10.96.0.17 5432" || text == "nothing") << n << ": " << text;
    truths += text != "nothing";
  }
  EXPECT_GT(truths, 0u);
  EXPECT_LT(truths, whole.size());
}

TEST(Conntrack, HostileBytesNeverLeadOutside) {
  const Buffer whole = conntrack(original(), reply());
  const Drop drop = drop_of(test::syn());
  std::mt19937 dice(3);
  std::size_t told_something = 0;
  for (int i = 0; i < 200'000; ++i) {
    Buffer bad = whole;
    for (unsigned n = 1 + dice() % 4; n > 0; --n) bad[dice() % bad.size()] = std::byte(dice());
    told_something += original_destination(bad, drop).has_value();
  }
  EXPECT_GT(told_something, 0u);
}

}  // namespace
}  // namespace kube_nflog
