// SPDX-License-Identifier: Apache-2.0
#include "nflog/nft_rule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "nflog/iptables_table.h"
#include "tests/nflog/bytes.h"

namespace kube_nflog {
namespace {

using test::as_bytes;
using test::attribute;
using test::Buffer;
using test::hex;
using test::joined;
using test::message;
using test::put16be;
using test::put_native;

constexpr std::uint16_t kNewRule = 0x0a06, kNested = 0x8000, kDone = 3, kError = 2;

Buffer text(std::uint16_t type, std::string_view words) {
  return attribute(type, as_bytes(std::string(words) + '\0'));
}

// A rule's message, with its expressions.
Buffer rule(std::string_view table, std::string_view chain, const Buffer& expressions) {
  return message(kNewRule, joined({hex("02000000"), text(1, table), text(2, chain),
                                   attribute(kNested | 4, expressions)}));
}
Buffer expression(std::string_view name, const Buffer& data) {
  return attribute(kNested | 1, joined({text(1, name), attribute(kNested | 2, data)}));
}
Buffer group_of(std::uint16_t group) {
  Buffer value;
  put16be(value, group);
  return attribute(1, value);
}

// What a datagram says, in words: "filter/FORWARD group 100 'drop', done".
std::string told(Bytes datagram) {
  NftRuleReader reader(datagram);
  std::string out;
  for (NftRuleReader::Item item; (item = reader.next()) != NftRuleReader::Item::kEnd;) {
    if (!out.empty()) out += ", ";
    if (item == NftRuleReader::Item::kDone) out += "done";
    if (item == NftRuleReader::Item::kPartial) out += "partial " + std::to_string(reader.error());
    if (item != NftRuleReader::Item::kRule) continue;
    const LoggingRule& r = reader.rule();
    out += std::string(r.table) + '/' + std::string(r.chain);
    if (r.to == LoggingRule::To::kNflogGroup) out += " group " + std::to_string(r.group);
    if (r.to == LoggingRule::To::kKernelLog) out += " log";
    if (r.to != LoggingRule::To::kNowhere) out += " '" + std::string(r.prefix) + "'";
  }
  return out;
}

TEST(NftRule, ReadsWhereALogExpressionLogsTo) {
  const Buffer counter = expression("counter", hex("0c000100 0000000000000000"));
  EXPECT_EQ(
      told(joined(
          {rule("filter", "FORWARD",
                joined({counter, expression("log", joined({group_of(100), text(2, "drop")}))})),
           rule("t", "c", expression("log", text(2, "DROP: "))), rule("t", "d", counter),
           message(kDone, hex("00000000"))})),
      "filter/FORWARD group 100 'drop', t/c log 'DROP: ', t/d, done");
}

TEST(NftRule, ReadsWhatOlderIptablesNftWrote) {
  Buffer nflog;
  put_native(nflog, std::uint32_t{0});
  put_native(nflog, std::uint16_t{86});  // in the host's order
  nflog.resize(12);
  for (const char c : std::string("old")) nflog.push_back(static_cast<std::byte>(c));
  nflog.resize(76);
  Buffer log = hex("0400");
  for (const char c : std::string("calico-packet: ")) log.push_back(static_cast<std::byte>(c));
  log.resize(32);
  const auto target = [](std::string_view name, const Buffer& info) {
    return expression("target",
                      joined({text(1, name), attribute(2, hex("00000000")), attribute(3, info)}));
  };
  EXPECT_EQ(told(joined({rule("filter", "a", target("NFLOG", nflog)),
                         rule("filter", "b", target("LOG", log)),
                         rule("filter", "c", target("REJECT", hex("00000000"))),
                         rule("filter", "d", target("NFLOG", hex("00000000")))})),
            "filter/a group 86 'old', filter/b log 'calico-packet: ', filter/c, filter/d");
}

TEST(NftRule, ADumpThatEndsEarlyIsPartial) {
  EXPECT_EQ(told(message(kError, hex("ffffffff"))), "partial 1");  // EPERM
  EXPECT_EQ(told(message(kDone, hex("fcffffff"))), "partial 4");   // EINTR
  Buffer interrupted = rule("t", "c", {});
  interrupted[6] = std::byte{0x12};  // NLM_F_MULTI | NLM_F_DUMP_INTR
  EXPECT_EQ(told(interrupted), "partial 0");
}

TEST(NftRule, DamageIsPassedOverAndNeverReadBeyond) {
  EXPECT_EQ(told({}), "");
  EXPECT_EQ(told(message(kNewRule, {})), "");
  EXPECT_EQ(told(message(kNewRule, hex("02000000"))), "");  // of no table
  const Buffer whole = rule("filter", "FORWARD", expression("log", group_of(100)));
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const Buffer cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));
    EXPECT_EQ(told(cut), "") << n;
  }
}

// tests/fuzz/corpus/ruleset: Linux 6.18, rules by iptables-nft 1.8.9, nft 1.0.6, iptables-legacy.
Buffer captured(const std::string& name) {
  std::ifstream file(FIXTURES "../fuzz/corpus/ruleset/" + name, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const Bytes view = as_bytes(bytes);
  return {view.begin(), view.end()};
}

TEST(NftRule, ReadsWhatAKernelListed) {
  EXPECT_EQ(told(captured("nft-0")),
            "filter/KUBE-POD-FW-X group 100 '', filter/FORWARD log 'DROP: ', mine/c group 7 "
            "'drop:shop/x'");
  EXPECT_EQ(told(captured("nft-1")), "done");
}

// ---- legacy iptables

void put_words(Buffer& out, std::string_view words, std::size_t size) {
  for (const char c : words) out.push_back(static_cast<std::byte>(c));
  out.resize(out.size() + size - words.size());
}

// An entry without matches: 112 bytes of IPv4, 168 of IPv6, then its target.
Buffer entry(std::size_t head, std::string_view target, const Buffer& data) {
  Buffer out(head);
  Buffer offsets;
  put_native(offsets, static_cast<std::uint16_t>(head));
  put_native(offsets, static_cast<std::uint16_t>(head + 32 + data.size()));
  const std::size_t at = head == 112 ? 88 : 140;
  std::copy(offsets.begin(), offsets.end(), out.begin() + static_cast<std::ptrdiff_t>(at));
  put_native(out, static_cast<std::uint16_t>(32 + data.size()));
  put_words(out, target, 30);
  out.insert(out.end(), data.begin(), data.end());
  return out;
}
Buffer named(std::string_view name) {
  Buffer out;
  put_words(out, name, 32);
  return out;
}

TEST(IptablesTable, ReadsRulesAndTheChainsThatTheyStandIn) {
  Buffer nflog(4);
  put_native(nflog, std::uint16_t{100});
  nflog.resize(12);
  put_words(nflog, "p", 64);
  for (const auto& [family, head] : {std::pair(IptablesFamily::kIpv4, std::size_t{112}),
                                     std::pair(IptablesFamily::kIpv6, std::size_t{168})}) {
    const Buffer table =
        joined({entry(head, "", Buffer(8)), entry(head, "ERROR", named("cali-x")),
                entry(head, "NFLOG", nflog), entry(head, "ERROR", named("ERROR"))});
    Cursor cursor{Bytes(table)};
    std::string_view chain;
    LoggingRule r;
    ASSERT_TRUE(take_iptables_rule(family, cursor, chain, r));
    EXPECT_EQ(r.chain, "");
    EXPECT_EQ(r.to, LoggingRule::To::kNowhere);
    ASSERT_TRUE(take_iptables_rule(family, cursor, chain, r));
    EXPECT_EQ(r.chain, "cali-x");
    EXPECT_EQ(r.to, LoggingRule::To::kNflogGroup);
    EXPECT_EQ(r.group, 100);
    EXPECT_EQ(r.prefix, "p");
    EXPECT_FALSE(take_iptables_rule(family, cursor, chain, r));
  }
}

TEST(IptablesTable, ReadsWhatAKernelListed) {
  const auto logging_rules = [](IptablesFamily family, const std::string& name) {
    const Buffer table = captured(name);
    Cursor cursor{Bytes(table)};
    std::string_view chain;
    LoggingRule r;
    std::string out;
    while (take_iptables_rule(family, cursor, chain, r)) {
      if (r.to == LoggingRule::To::kNowhere) continue;
      out += std::string(r.chain) + (r.to == LoggingRule::To::kKernelLog ? " log '" : " group '") +
             std::string(r.prefix) + "' " + std::to_string(r.group) + "; ";
    }
    return out;
  };
  EXPECT_EQ(logging_rules(IptablesFamily::kIpv4, "iptables-v4"),
            " log 'DROP: ' 0; cali-x group 'DPI|default' 1; ");
  EXPECT_EQ(logging_rules(IptablesFamily::kIpv6, "iptables-v6"), "cali-x group '' 8; ");
}

TEST(IptablesTable, DamageEndsIt) {
  const Buffer whole = entry(112, "LOG", Buffer(32));
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const Buffer cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));
    Cursor cursor{Bytes(cut)};
    std::string_view chain;
    LoggingRule r;
    EXPECT_FALSE(take_iptables_rule(IptablesFamily::kIpv4, cursor, chain, r)) << n;
  }
  Buffer endless = whole;
  endless[90] = endless[91] = std::byte{0};  // next_offset 0
  Cursor cursor{Bytes(endless)};
  std::string_view chain;
  LoggingRule r;
  EXPECT_FALSE(take_iptables_rule(IptablesFamily::kIpv4, cursor, chain, r));
}

}  // namespace
}  // namespace kube_nflog
