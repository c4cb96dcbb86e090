// SPDX-License-Identifier: Apache-2.0
#include "nflog/packet.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tests/nflog/bytes.h"

namespace kube_nflog {
namespace {

using test::Buffer;
using test::hex;

constexpr char kV6[] = "20010db8000000000000000000000001 20010db8000000000000000000000002";

// What a drop says, in one line; "void" when there are no addresses.
std::string told(std::uint16_t ether_type, Bytes packet) {
  Drop drop;
  if (!decode_packet(ether_type, packet, drop)) return "void";
  const DropKey& key = drop.key;
  std::string text =
      key.src.to_string() + " > " + key.dst.to_string() + " " + std::to_string(key.protocol);
  if (key.detail_kind == Detail::kPort) {
    text += " " + std::to_string(drop.src_port) + ":" + std::to_string(key.detail);
  }
  if (key.detail_kind == Detail::kIcmp) {
    text += " icmp " + std::to_string(key.detail >> 8) + "/" + std::to_string(key.detail & 0xff);
  }
  if (drop.mid_stream) text += " mid-stream";
  return text;
}

std::string told4(const std::string& packet) { return told(kEtherTypeIpv4, hex(packet)); }
std::string told6(const std::string& packet) { return told(kEtherTypeIpv6, hex(packet)); }

// An IPv4 packet of `protocol`, 20 bytes of header, fragment field as given.
std::string v4(const std::string& protocol, const std::string& segment,
               const std::string& fragment = "0000") {
  return "45000000 0001" + fragment + " 40" + protocol + "0000 0a000001 0a000002 " + segment;
}
std::string v6(const std::string& next, const std::string& rest,
               const std::string& length = "0000") {
  return "60000000 " + length + next + "40 " + kV6 + rest;
}

constexpr char kSynSegment[] = "9c400050 00000000 00000000 5002 0000 0000 0000";
constexpr char kAuthentication[] =
    "0604 0000 00000001 00000002 aaaaaaaa bbbbbbbb cccccccc";  // of TCP
constexpr char kV4Line[] = "10.0.0.1 > 10.0.0.2 ";
constexpr char kV6Line[] = "2001:db8::1 > 2001:db8::2 ";

TEST(Packet, TellsPortsOfEveryProtocolThatHasThem) {
  EXPECT_EQ(told4(v4("06", kSynSegment)), kV4Line + std::string("6 40000:80"));
  EXPECT_EQ(told4(v4("11", "9c400035 0008 0000")), kV4Line + std::string("17 40000:53"));
  EXPECT_EQ(told4(v4("88", "9c400035 0008 0000")), kV4Line + std::string("136 40000:53"));
  EXPECT_EQ(told4(v4("84", "9c402629")), kV4Line + std::string("132 40000:9769"));
  EXPECT_EQ(told4(v4("21", "9c402629")), kV4Line + std::string("33 40000:9769"));
  EXPECT_EQ(told6(v6("06", kSynSegment)), kV6Line + std::string("6 40000:80"));
  EXPECT_EQ(told6(v6("88", "9c400035 0008 0000")), kV6Line + std::string("136 40000:53"));
  EXPECT_EQ(told6(v6("84", "9c402629")), kV6Line + std::string("132 40000:9769"));
}

TEST(Packet, TellsIcmpTypeAndCodeOfItsOwnFamilyOnly) {
  EXPECT_EQ(told4(v4("01", "0303f406")), kV4Line + std::string("1 icmp 3/3"));
  EXPECT_EQ(told6(v6("3a", "8000abcd")), kV6Line + std::string("58 icmp 128/0"));
  EXPECT_EQ(told4(v4("3a", "8000abcd")), kV4Line + std::string("58"));
  EXPECT_EQ(told6(v6("01", "0800abcd")), kV6Line + std::string("1"));
}

TEST(Packet, OtherProtocolsHaveNoDetail) {
  EXPECT_EQ(told4(v4("2f", "00000800 45000000")), kV4Line + std::string("47"));
  EXPECT_EQ(told4(v4("32", "00000001 00000002")), kV4Line + std::string("50"));
  EXPECT_EQ(told4(v4("33", kAuthentication + std::string(kSynSegment))),
            kV4Line + std::string("51"));
  EXPECT_EQ(told4(v4("ff", kSynSegment)), kV4Line + std::string("255"));
  EXPECT_EQ(told6(v6("32", "00000001 00000002")), kV6Line + std::string("50"));
  EXPECT_EQ(told6(v6("2f", "00000800 45000000")), kV6Line + std::string("47"));
  EXPECT_EQ(told6(v6("3b", "")), kV6Line + std::string("59"));
}

TEST(Packet, TcpWithoutSynIsMidStream) {
  const auto with_flags = [](const std::string& flags) {
    return told4(v4("06", "9c400050 00000000 00000000 50" + flags));
  };
  EXPECT_EQ(with_flags("02"), kV4Line + std::string("6 40000:80"));
  EXPECT_EQ(with_flags("12"), kV4Line + std::string("6 40000:80"));  // SYN, ACK
  EXPECT_EQ(with_flags("10"), kV4Line + std::string("6 40000:80 mid-stream"));
  EXPECT_EQ(with_flags("04"), kV4Line + std::string("6 40000:80 mid-stream"));
  EXPECT_EQ(told4(v4("06", "9c400050 00000000 00000000 50")),  // cut before the flags
            kV4Line + std::string("6 40000:80"));
}

TEST(Packet, ReadsPastIpv4Options) {
  EXPECT_EQ(told4("46000000 00010000 40110000 0a000001 0a000002 94040000 9c400035"),
            kV4Line + std::string("17 40000:53"));
  EXPECT_EQ(told4("4f000000 00010000 40110000 0a000001 0a000002 94040000 9c400035"),  // cut in them
            kV4Line + std::string("17"));
  EXPECT_EQ(told4("44000000 00010000 40110000 0a000001 0a000002 9c400035"),  // less than a header
            kV4Line + std::string("17"));
}

TEST(Packet, FragmentsHaveNoInventedPorts) {
  EXPECT_EQ(told4(v4("11", "9c400035", "2000")), kV4Line + std::string("17 40000:53"));  // first
  EXPECT_EQ(told4(v4("11", "9c400035", "0001")), kV4Line + std::string("17"));           // last
  EXPECT_EQ(told4(v4("11", "9c400035", "2001")), kV4Line + std::string("17"));           // middle
  for (const char* no_fragment : {"4000", "8000"})  // DF, and the reserved bit
    EXPECT_EQ(told4(v4("11", "9c400035", no_fragment)), kV4Line + std::string("17 40000:53"));
  EXPECT_EQ(told4(v4("01", "08000000", "00b9")), kV4Line + std::string("1"));
  EXPECT_EQ(told6(v6("2c", "11000001 00000007 9c400035")), kV6Line + std::string("17 40000:53"));
  EXPECT_EQ(told6(v6("2c", "11000008 00000007 9c400035")), kV6Line + std::string("17"));
  EXPECT_EQ(told6(v6("2c", "11000009 00000007 9c400035")), kV6Line + std::string("17"));
}

TEST(Packet, WalksIpv6ExtensionHeaders) {
  const std::string hop = "00 0502 0000 0100", routing = "00 0000 0000 0000";
  // hop-by-hop, routing, destination options (16 bytes), AH (24 bytes), then UDP
  const std::string chain = "2b" + hop + "3c" + routing +
                            "3301 0000 0000 0000 0000 0000 0000 0000" +
                            "1104 0000 00000001 00000002 aaaaaaaa bbbbbbbb cccccccc" + "9c400035";
  EXPECT_EQ(told6(v6("00", chain)), kV6Line + std::string("17 40000:53"));
  EXPECT_EQ(told6(v6("33", kAuthentication + std::string(kSynSegment))),
            kV6Line + std::string("6 40000:80"));
  EXPECT_EQ(told6(v6("00", "32" + hop + "00000001 00000002 9c400035")),
            kV6Line + std::string("50"));  // what ESP hides has no ports
  EXPECT_EQ(told6(v6("2c", "33000001 00000007" + (kAuthentication + std::string(kSynSegment)))),
            kV6Line + std::string("6 40000:80"));  // first fragment, AH, TCP
  EXPECT_EQ(told6(v6("2c", "33000008 00000007" + (kAuthentication + std::string(kSynSegment)))),
            kV6Line + std::string("51"));  // a later one
  struct Message {
    const char* header;
    const char* number;
  };
  for (const auto& [header, number] : {Message{"87", "135"}, {"8b", "139"}, {"8c", "140"}}) {
    // Mobility, HIP, shim6: before data, or all that there is, and 59 behind it is no protocol.
    EXPECT_EQ(told6(v6(header, "11" + routing + "9c400035")), kV6Line + std::string("17 40000:53"));
    EXPECT_EQ(told6(v6(header, "3b" + routing)), kV6Line + std::string(number));
    std::string behind_another = header;
    behind_another.append(hop).append("3b").append(routing);
    EXPECT_EQ(told6(v6("00", behind_another)), kV6Line + std::string(number));
  }
  EXPECT_EQ(told6(v6("3c", "3b" + routing)), kV6Line + std::string("59"));  // options and no more
  EXPECT_EQ(told6(v6("87", "3c" + routing + "3b" + routing)), kV6Line + std::string("59"));
  EXPECT_EQ(told6(v6("00", "2b" + hop + "3c")), kV6Line + std::string("43"));  // cut in the walk
  EXPECT_EQ(told6(v6("00", "11ff 0000 0000 0000 9c400035")), kV6Line + std::string("0"));
}

TEST(Packet, BytesBeyondTheIpLengthAreNotOfThePacket) {
  EXPECT_EQ(told4("45000016 00010000 40110000 0a000001 0a000002 9c400035"),  // 22 bytes: 2 of UDP
            kV4Line + std::string("17"));
  EXPECT_EQ(told4("45000018 00010000 40110000 0a000001 0a000002 9c400035 0000"),
            kV4Line + std::string("17 40000:53"));
  EXPECT_EQ(told4("4500000a 00010000 40110000 0a000001 0a000002 9c400035"),  // less than a header
            kV4Line + std::string("17"));
  EXPECT_EQ(told6(v6("11", "9c400035", "0002")), kV6Line + std::string("17"));
  EXPECT_EQ(told6(v6("11", "9c400035", "0004")), kV6Line + std::string("17 40000:53"));
}

// The ports in the quoted packet are not the ports of the packet that was dropped.
TEST(Packet, AnIcmpErrorIsNotThePacketThatItQuotes) {
  const std::string quoted4 = v4("06", kSynSegment);
  EXPECT_EQ(told4(v4("01", "0303 0000 00000000" + quoted4)), kV4Line + std::string("1 icmp 3/3"));
  EXPECT_EQ(told4(v4("01", "0b00 0000 00000000" + quoted4)), kV4Line + std::string("1 icmp 11/0"));
  const std::string quoted6 = v6("11", "9c400035 0008 0000");
  EXPECT_EQ(told6(v6("3a", "0104 0000 00000000" + quoted6)), kV6Line + std::string("58 icmp 1/4"));
  EXPECT_EQ(told6(v6("3a", "0200 0000 00000500" + quoted6)), kV6Line + std::string("58 icmp 2/0"));
}

TEST(Packet, AnIcmpHeaderThatIsCutHasNoType) {
  EXPECT_EQ(told4(v4("01", "08")), kV4Line + std::string("1"));
  EXPECT_EQ(told6(v6("3a", "80")), kV6Line + std::string("58"));
  EXPECT_EQ(told6(v6("3a", "8000", "0001")), kV6Line + std::string("58"));  // by the IP length
}

TEST(Packet, StepsOverVlanTags) {
  const std::string packet = v4("06", kSynSegment);
  const std::string line = kV4Line + std::string("6 40000:80");
  EXPECT_EQ(told(0x8100, hex("0064 0800" + packet)), line);
  EXPECT_EQ(told(0x88a8, hex("0064 8100 0065 0800" + packet)), line);
  EXPECT_EQ(told(0x8100, hex("0064 86dd" + v6("06", kSynSegment))),
            kV6Line + std::string("6 40000:80"));
  EXPECT_EQ(told(0x8100, hex("0064 0806" + packet)), "void");  // ARP
  EXPECT_EQ(told(0x8100, hex("0064 08")), "void");
  EXPECT_EQ(told(0x8100, hex("0064 8100 0064 8100 0064 8100")), "void");
}

TEST(Packet, OnlyTheVersionThatTheRecordPromises) {
  EXPECT_EQ(told(kEtherTypeIpv6, hex(v4("11", "9c400035"))), "void");
  EXPECT_EQ(told(kEtherTypeIpv4, hex(v6("11", "9c400035"))), "void");
  EXPECT_EQ(told(0x0806, hex("0001080006040001")), "void");  // ARP
  EXPECT_EQ(told4(""), "void");
}

TEST(Packet, EveryCutOfAPacketIsSafeAndNeverWrong) {
  struct Case {
    std::uint16_t ether_type;
    Buffer packet;
    std::size_t fixed;  // the header with the addresses
  };
  const std::string headers = "2b00 0502 0000 0100 3c00 0000 0000 0000 3300 0000 0000 0000" +
                              (kAuthentication + std::string(kSynSegment));
  const std::string chain = v6("00", headers);
  const std::string options = "46000000 00010000 40110000 0a000001 0a000002 94040000 9c400035";
  for (const Case& c : {Case{kEtherTypeIpv4, test::syn(), 20},
                        {kEtherTypeIpv4, hex(options), 20},
                        {kEtherTypeIpv4, hex(v4("01", "0303 0000 00000000" + options)), 20},
                        {kEtherTypeIpv6, hex(chain), 40},
                        {kEtherTypeIpv6, hex(v6("2c", "00000001 00000007" + headers)), 40},
                        {kEtherTypeIpv6, hex(v6("3a", "0104 0000 00000000" + chain)), 40},
                        {0x88a8, hex("0064 8100 0065 86dd" + chain), 48}}) {
    const std::string whole = told(c.ether_type, c.packet);
    for (std::size_t n = 0; n <= c.packet.size(); ++n) {
      const Buffer cut(c.packet.begin(), c.packet.begin() + static_cast<std::ptrdiff_t>(n));
      const std::string text =
          told(c.ether_type, cut);  // an own allocation: ASan sees an over-read
      if (n < c.fixed) {
        EXPECT_EQ(text, "void") << n;
      } else if (text.find_first_of(":/", text.rfind(' ')) != std::string::npos) {
        EXPECT_EQ(text, whole) << n;  // ports or an ICMP type are told: then the right ones
      } else {
        EXPECT_TRUE(whole.starts_with(text.substr(0, text.rfind(' ')))) << n;  // the addresses
      }
    }
  }
}

TEST(Packet, RandomBytesDoNoHarm) {
  std::mt19937 dice(1);
  for (int i = 0; i < 200'000; ++i) {
    Buffer bytes(dice() % 100);
    for (std::byte& b : bytes) b = std::byte(dice());
    const bool six = i % 2 != 0;
    if (!bytes.empty()) bytes[0] = std::byte((six ? 0x60 : 0x40) | (dice() & 0x0f));
    Drop drop;
    EXPECT_EQ(decode_packet(six ? kEtherTypeIpv6 : kEtherTypeIpv4, bytes, drop),
              bytes.size() >= (six ? 40U : 20U));
  }
}

}  // namespace
}  // namespace kube_nflog
