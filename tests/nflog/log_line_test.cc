// SPDX-License-Identifier: Apache-2.0
#include "nflog/log_line.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "tests/nflog/bytes.h"

namespace kube_nflog {
namespace {

const std::string kLink =
    "IN=cali-a OUT=cali-b MAC=ee:ee:ee:ee:ee:ee:0a:00:00:00:00:01:08:00 SRC=10.0.0.1 DST=10.0.0.2 ";
const std::string kIp = kLink + "LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=4711 DF ";
const std::string kIp6 =
    "IN=eth0 OUT= MAC= SRC=2001:0db8:0000:0000:0000:0000:0000:0001 "
    "DST=2001:0db8:0000:0000:0000:0000:0000:0002 LEN=80 TC=0 HOPLIMIT=64 FLOWLBL=123456 ";
const std::string kTcp = "PROTO=TCP SPT=40000 DPT=8080 WINDOW=64240 RES=0x00 SYN URGP=0 ";
const std::string kInner =
    "[SRC=10.9.9.9 DST=10.8.8.8 LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=1 PROTO=TCP SPT=1 DPT=2 "
    "WINDOW=1 RES=0x00 SYN URGP=0 ] ";

// What the line's body says; "refused" when nothing.
std::string told(const std::string& body) {
  Drop drop;
  Interfaces interfaces;
  if (!decode_log_body(body, drop, interfaces)) return "refused";
  const DropKey& key = drop.key;
  std::string text =
      key.src.to_string() + " > " + key.dst.to_string() + " " + std::to_string(key.protocol);
  if (key.detail_kind == Detail::kPort) {
    text += " " + std::to_string(drop.src_port) + ":" + std::to_string(key.detail);
  }
  if (key.detail_kind == Detail::kIcmp) {
    text += " icmp " + std::to_string(key.detail >> 8) + "/" + std::to_string(key.detail & 0xff);
  }
  if (drop.link_broadcast) text += " broadcast";
  return drop.mid_stream ? text + " mid-stream" : text;
}

constexpr char kV4[] = "10.0.0.1 > 10.0.0.2 ";
constexpr char kV6[] = "2001:db8::1 > 2001:db8::2 ";

struct Case {
  std::string body, want;
};

// One of each form of the grammar.
const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {kIp + kTcp, kV4 + std::string("6 40000:8080")},
      {kIp + "PROTO=TCP SPT=1 DPT=22 WINDOW=0 RES=0x00 ACK FIN URGP=0 ",
       kV4 + std::string("6 1:22 mid-stream")},
      {kIp + "PROTO=TCP SPT=1 DPT=22 SEQ=9 ACK=0 WINDOW=0 RES=0x00 SYN URGP=0 OPT (020405B4) UID=0 "
             "GID=0 MARK=0x20000 ",
       kV4 + std::string("6 1:22")},
      {kIp + "PROTO=UDP SPT=40000 DPT=53 LEN=40 ", kV4 + std::string("17 40000:53")},
      {kIp + "PROTO=UDPLITE SPT=40000 DPT=53 LEN=40 ", kV4 + std::string("136 40000:53")},
      {kIp + "PROTO=ICMP TYPE=8 CODE=0 ID=7 SEQ=1 ", kV4 + std::string("1 icmp 8/0")},
      {kIp + "PROTO=ICMP TYPE=3 CODE=4 " + kInner + "MTU=1400 ", kV4 + std::string("1 icmp 3/4")},
      {kIp + "PROTO=ICMP TYPE=5 CODE=1 GATEWAY=10.0.0.9 " + kInner,
       kV4 + std::string("1 icmp 5/1")},
      {kIp + "PROTO=ICMP TYPE=13 CODE=0 ", kV4 + std::string("1 icmp 13/0")},
      {kIp + "PROTO=ICMP TYPE=0 CODE=0 ID=7 SEQ=1 ", kV4 + std::string("1 icmp 0/0")},
      {kIp + "PROTO=ICMP TYPE=12 CODE=0 PARAMETER=20 ", kV4 + std::string("1 icmp 12/0")},
      {kIp + "PROTO=ICMP TYPE=11 CODE=0 [SRC=10.9.9.9 DST=10.8.8.8 LEN=84 TOS=0x00 PREC=0x00 TTL=1 "
             "ID=1 DF PROTO=ICMP TYPE=8 CODE=0 ID=3 SEQ=4 ] ",
       kV4 + std::string("1 icmp 11/0")},
      {kIp + "PROTO=ICMP TYPE=3 CODE=1 [TRUNCATED] ", kV4 + std::string("1 icmp 3/1")},
      {kIp + "PROTO=ICMP TYPE=4 CODE=0 [SRC=10.9.9.9 DST=10.8.8.8 LEN=60 TOS=0x00 PREC=0x00 TTL=63 "
             "ID=1 PROTO=UDP INCOMPLETE [2 bytes] ] ",
       kV4 + std::string("1 icmp 4/0")},
      {kIp + "PROTO=ICMP TYPE=3 CODE=3 INCOMPLETE [3 bytes] ", kV4 + std::string("1 icmp 3/3")},
      {kIp + "FRAG:185 PROTO=ICMP ", kV4 + std::string("1")},
      {kIp + "FRAG:185 PROTO=TCP MARK=0x1 ", kV4 + std::string("6")},
      {kIp + "PROTO=TCP SPT=1 DPT=2 WINDOW=0 RES=0x00 AE CWR ECE URG ACK PSH RST SYN FIN URGP=9 ",
       kV4 + std::string("6 1:2")},
      {kIp + "PROTO=TCP SPT=1 DPT=2 WINDOW=0 RES=0x00 RST URGP=0 OPT (TRUNCATED)",
       kV4 + std::string("6 1:2 mid-stream")},
      {kIp + "PROTO=TCP SPT=0 DPT=65535 WINDOW=0 RES=0x00 URGP=0 ",
       kV4 + std::string("6 0:65535 mid-stream")},
      {kIp + "PROTO=UDP SPT=1 DPT=2 LEN=40 UID=1000 GID=1000 MARK=0xffffffff ",
       kV4 + std::string("17 1:2")},
      {kIp + "CE DF MF PROTO=UDP SPT=1 DPT=2 LEN=40 ", kV4 + std::string("17 1:2")},
      {kIp + "PROTO=132 UID=0 GID=0 MARK=0x1 ", kV4 + std::string("132")},
      {kIp + "PROTO=AH SPI=0x1 ", kV4 + std::string("51")},
      {kIp + "PROTO=AH INCOMPLETE [4 bytes] ", kV4 + std::string("51")},
      {kIp + "PROTO=ESP INCOMPLETE [4 bytes] ", kV4 + std::string("50")},
      {"IN= OUT=eth0 SRC=10.0.0.1 DST=10.0.0.2 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=0 DF " + kTcp,
       kV4 + std::string("6 40000:8080")},
      {"IN=br0 OUT=br0 PHYSIN=veth-a PHYSOUT=veth-b MAC=aa:bb SRC=10.0.0.1 DST=10.0.0.2 LEN=60 " +
           kTcp,
       kV4 + std::string("6 40000:8080")},
      {"IN=eth0 OUT= MACSRC=aa:aa:aa:aa:aa:aa MACDST=bb:bb:bb:bb:bb:bb VPROTO=8100 VID=42 "
       "MACPROTO=0800 SRC=10.0.0.1 DST=10.0.0.2 LEN=60 " +
           kTcp,
       kV4 + std::string("6 40000:8080")},
      {"IN=eth0 OUT= MAC=ff:ff:ff:ff:ff:ff:0a:00:00:00:00:01:08:00 SRC=10.0.0.1 DST=10.0.0.2 "
       "LEN=96 PROTO=UDP SPT=137 DPT=137 LEN=76 ",
       kV4 + std::string("17 137:137 broadcast")},
      {"IN=eth0 OUT= MACSRC=aa:aa:aa:aa:aa:aa MACDST=ff:ff:ff:ff:ff:ff MACPROTO=0800 SRC=10.0.0.1 "
       "DST=10.0.0.2 LEN=96 PROTO=UDP SPT=137 DPT=137 LEN=76 ",
       kV4 + std::string("17 137:137 broadcast")},
      {"IN=eth0 OUT= MAC=0a:00:00:00:00:01:ff:ff:ff:ff:ff:ff:08:00 SRC=10.0.0.1 DST=10.0.0.2 "
       "LEN=96 PROTO=UDP SPT=137 DPT=137 LEN=76 ",
       kV4 + std::string("17 137:137")},
      {"IN=eth0 OUT= MACSRC=ff:ff:ff:ff:ff:ff MACDST=ff:ff:ff:ff:ff:0f MACPROTO=0800 SRC=10.0.0.1 "
       "DST=10.0.0.2 LEN=96 PROTO=UDP SPT=137 DPT=137 LEN=76 ",
       kV4 + std::string("17 137:137")},
      {"IN=sit0 OUT= MAC=45:00:00:00:00:00:00:00:00:00:00:00:00:00 TUNNEL=192.0.2.1->192.0.2.2 "
       "SRC=10.0.0.1 DST=10.0.0.2 LEN=60 " +
           kTcp,
       kV4 + std::string("6 40000:8080")},
      {kIp + "PROTO=132 ", kV4 + std::string("132")},
      {kIp + "PROTO=47 MARK=0x1 ", kV4 + std::string("47")},
      {kIp + "PROTO=ESP SPI=0x1a2b ", kV4 + std::string("50")},
      {kIp + "PROTO=AH ", kV4 + std::string("51")},
      {kIp + "FRAG:185 PROTO=UDP ", kV4 + std::string("17")},
      {kIp + "MF PROTO=UDP SPT=40000 DPT=53 LEN=3000 ", kV4 + std::string("17 40000:53")},
      {kIp + "OPT (94040000) PROTO=UDP SPT=40000 DPT=53 LEN=40 ", kV4 + std::string("17 40000:53")},
      {kIp + "PROTO=TCP INCOMPLETE [8 bytes] ", kV4 + std::string("6")},
      {kIp + "PROTO=UDP INCOMPLETE [2 bytes] ", kV4 + std::string("17")},
      {kIp + "PROTO=ICMP INCOMPLETE [1 bytes] ", kV4 + std::string("1")},
      {kIp + "PROTO=ICMP TYPE=8 CODE=0 INCOMPLETE [4 bytes] ", kV4 + std::string("1 icmp 8/0")},
      {kIp6 + kTcp, kV6 + std::string("6 40000:8080")},
      {kIp6 + "PROTO=UDP SPT=40000 DPT=53 LEN=40 ", kV6 + std::string("17 40000:53")},
      {kIp6 + "PROTO=ICMPv6 TYPE=128 CODE=0 ID=7 SEQ=1 ", kV6 + std::string("58 icmp 128/0")},
      {kIp6 + "PROTO=ICMPv6 TYPE=1 CODE=4 [SRC=2001:0db8:0000:0000:0000:0000:0000:0009 ] ",
       kV6 + std::string("58 icmp 1/4")},
      {kIp6 + "PROTO=ICMPv6 TYPE=2 CODE=0 [SRC=2001:0db8:0000:0000:0000:0000:0000:0009 "
              "DST=2001:0db8:0000:0000:0000:0000:0000:0008 LEN=1452 TC=0 HOPLIMIT=63 FLOWLBL=0 "
              "PROTO=TCP SPT=1 DPT=2 WINDOW=1 RES=0x00 ACK URGP=0 ] MTU=1280 ",
       kV6 + std::string("58 icmp 2/0")},
      {kIp6 + "PROTO=ICMPv6 TYPE=4 CODE=1 POINTER=00000028 [SRC= ] ",
       kV6 + std::string("58 icmp 4/1")},
      {kIp6 + "PROTO=ICMPv6 TYPE=135 CODE=0 ", kV6 + std::string("58 icmp 135/0")},
      {kIp6 + "PROTO=ICMPv6 INCOMPLETE [2 bytes] ", kV6 + std::string("58")},
      {kIp6 + "PROTO=UDPLITE SPT=40000 DPT=53 LEN=40 ", kV6 + std::string("136 40000:53")},
      {kIp6 + "PROTO=132 MARK=0x1 ", kV6 + std::string("132")},
      {kIp6 + "OPT ( ESP SPI=0x1a2b )", kV6 + std::string("50")},
      {kIp6 + "FRAG:0 INCOMPLETE ID:00000007 PROTO=TCP SPT=1 DPT=2 WINDOW=0 RES=0x00 SYN URGP=0 ",
       kV6 + std::string("6 1:2")},
      {kIp6 + "FRAG:1448 ID:00000007 PROTO=ICMPv6 ", kV6 + std::string("58")},
      {kIp6 + "OPT ( FRAG:0 INCOMPLETE ID:00000007 ) PROTO=UDP SPT=40000 DPT=53 LEN=40 ",
       kV6 + std::string("17 40000:53")},
      {kIp6 + "OPT ( FRAG:1448 ID:00000007 ) PROTO=UDP ", kV6 + std::string("17")},
      {kIp6 + "OPT ( ) OPT ( AH SPI=0x1 ) PROTO=TCP SPT=1 DPT=2 WINDOW=0 RES=0x00 SYN URGP=0 ",
       kV6 + std::string("6 1:2")},
  };
  return all;
}

TEST(LogLine, ReadsEveryForm) {
  for (const Case& c : cases()) EXPECT_EQ(told(c.body), c.want) << c.body;
}

// The promise of the whole parser: whatever is lost of a line, nothing in it becomes something
// else.
TEST(LogLine, ACutLineIsRefusedOrSaysTheSame) {
  for (const Case& c : cases()) {
    for (std::size_t n = 0; n < c.body.size(); ++n) {
      const std::string text = told(c.body.substr(0, n));
      if (text != "refused") {
        EXPECT_EQ(text, c.want) << c.body.substr(0, n);
      }
    }
  }
}

// Whatever stands before the packet, and wherever the line is cut.
TEST(LogLine, ACutLineWithItsHeaderSaysTheSameOrNothing) {
  const std::string header = "Nov  3 16:23:17 INFRA-1 kernel: [ 1.0] IN=SRC=1.2.3.4 DPT=9 drop ";
  for (const Case& c : cases()) {
    const std::string line = header + c.body;
    for (std::size_t n = 0; n < line.size(); ++n) {
      const std::optional<LogLine> parts = split_log_line(std::string_view(line).substr(0, n));
      if (!parts) continue;
      const std::string text = told(std::string(parts->body));
      if (text != "refused") {
        EXPECT_EQ(text, c.want) << line.substr(0, n);
      }
    }
  }
}

// What a writer leaves that was stopped in the middle of a line, and the next one goes on.
TEST(LogLine, OfALineInsideAnotherTheLastCounts) {
  for (std::size_t n = 0; n < kIp.size() + kTcp.size(); ++n) {
    const std::string line = "IN=eth9 OUT=eth8 SRC=10.9.9.9 DST=10.8.8.8 LEN=60 " +
                             (kIp + kTcp).substr(0, n) + "Nov  3 16:23:17 node-1 kernel: drop " +
                             cases().front().body;
    const std::optional<LogLine> parts = split_log_line(line);
    ASSERT_TRUE(parts);
    EXPECT_EQ(told(std::string(parts->body)), cases().front().want) << line;
    EXPECT_EQ(parts->prefix, "drop ") << line;
    EXPECT_EQ(parts->time.form, WrittenTime::Form::kYearless) << line;
  }
}

// What is the last line's own, wherever the one before was torn off, of `first` or behind it.
void expect_last(const std::string& first, const std::string& header, const std::string& prefix,
                 std::size_t from = 0) {
  for (std::size_t n = std::min(from, first.size()); n <= first.size(); ++n) {
    std::string line = first.substr(0, n);
    line.append(header).append(prefix).append(cases().front().body);
    const std::optional<LogLine> parts = split_log_line(line);
    ASSERT_TRUE(parts) << line;
    EXPECT_EQ(parts->prefix, prefix) << line;
    EXPECT_EQ(parts->body, cases().front().body) << line;
  }
}

TEST(LogLine, WhatWasTornOffBeforeALineIsNoPartOfItsPrefix) {
  const std::string body = kLink + kTcp;
  for (const char* header :
       {"Nov  3 16:23:17 node kernel: ", "2026-11-03T16:23:17.123456+01:00 node kernel: [ 1.0] ",
        "Tue 2026-11-03 16:23:17 CET node kernel: ", "1793722997.123456 node kernel: ",
        "<4>1 2026-11-03T16:23:17Z node kernel - - -  [ 1.0] ",
        "Nov  3 16:23:17 node kern.warn kernel: "}) {
    for (const char* prefix : {"DROP: ", "", "IN=", "two words ", "kernel: ", "IN= OUT= "})
      expect_last(header + ("FIRST: " + body), header, prefix);
  }
}

// These say less of where the last line begins; that another one was torn, its fields tell.
TEST(LogLine, WithoutATagTheFieldsTellThatALineWasTorn) {
  const std::string first = "FIRST: " + kLink + kTcp;
  const std::size_t fields = first.find("MAC=") + 4;
  expect_last(first, "Nov  3 16:23:17 node ", "DROP: ", fields);
  expect_last(first, "[ 1234.567890] ", "DROP: ", fields);
  expect_last(first, "2026/11/03 16:23:17 node kernel: ", "DROP: ", fields);
  expect_last(first, "\x1b node kernel: ", "DROP: ", fields);
  // Nothing at all before the prefix: of what is glued to it, digits go.
  for (const char* torn : {"SRC=", "SRC=10.0", "SRC=10.0.0.1 DST=10.0.0.2 LEN=60 TTL=6", "SPT=4"})
    expect_last("FIRST: IN=a OUT=b MAC=ee:ee " + std::string(torn), "",
                "DROP: ", std::string::npos);
}

TEST(LogLine, ADaemonMayStripTheLastSpace) {
  EXPECT_EQ(told(kIp + kTcp.substr(0, kTcp.size() - 1)), kV4 + std::string("6 40000:8080"));
  EXPECT_EQ(told(kIp + "PROTO=UDP SPT=40000 DPT=53 LEN=40"), kV4 + std::string("17 40000:53"));
  EXPECT_EQ(told(kIp + "PROTO=ICMP TYPE=8 CODE=0 ID=7 SEQ=1"), kV4 + std::string("1 icmp 8/0"));
  EXPECT_EQ(told(kIp + "PROTO=13"), "refused");  // it may have been 132
}

TEST(LogLine, WhatIsNoWholeIpPacketIsRefused) {
  for (const std::string& body : std::vector<std::string>{
           "IN=eth0 OUT= ",
           "IN=eth0 OUT= ARP HTYPE=1 PTYPE=0x0800 OPCODE=1 MACSRC=aa IPSRC=10.0.0.1 IPDST=10.0.0.2",
           "IN=eth0 OUT= MAC= TRUNCATED",
           "IN=eth0 OUT= MAC=ff:ff:ff:ff:ff:ff:02:00:00:00:00:01:88:cc ",
           kIp6,  // ESP without --log-ip-options: no other than a line that was cut there
           kIp6 + "Unknown Ext Hdr 139",
           kLink + "TRUNCATED",
           "IN=a OUT=b SRC=10.0.0.1 LEN=60 DST=10.0.0.2 " + kTcp,
           "IN=a OUT=b SRC=10.0.0.1 DST=2001:db8::1 LEN=60 " + kTcp,
           "IN=a OUT=b SRC=10.0.0.300 DST=10.0.0.1 LEN=60 " + kTcp,
           "IN=a OUT=b SRC= DST= LEN=60 " + kTcp,
           kIp + "PROTO=TCP SPT=40000 DPT=70000 WINDOW=1 RES=0x00 SYN URGP=0 ",
           kIp + "PROTO=TCP SPT=40000 DPT=-1 WINDOW=1 RES=0x00 SYN URGP=0 ",
           kIp + "PROTO=TCP SPT=40000 WINDOW=1 RES=0x00 SYN URGP=0 ",
           kIp + "PROTO=ICMP TYPE=256 CODE=0 ID=7 SEQ=1 ",
           kIp + "PROTO=ICMPv6 TYPE=128 CODE=0 ID=7 SEQ=1 ",
           kIp6 + "PROTO=ICMP TYPE=8 CODE=0 ID=7 SEQ=1 ",
           kIp + "PROTO=256 ",
           kIp + "PROTO= ",
           kIp + "PROTO=WHAT ",
           kIp + "FRAG:x PROTO=UDP ",
       }) {
    EXPECT_EQ(told(body), "refused") << body;
  }
}

// What kernel 6.18 wrote of packets from raw sockets, through rules with every option of the LOG
// target; in front of each line, what was sent. ESP over IPv6 is named with --log-ip-options only.
TEST(LogLine, ReadsWhatTheKernelWrites) {
  const std::vector<std::string> lines = test::lines("nflog/kernel-log-lines.txt");
  ASSERT_GT(lines.size(), 50u);
  for (const std::string& both : lines) {
    const std::string want = both.substr(0, both.find('|'));
    const std::string line = both.substr(want.size() + 1);
    const std::optional<LogLine> parts = split_log_line(line);
    ASSERT_TRUE(parts) << line;
    EXPECT_EQ(parts->time.form, WrittenTime::Form::kUptime);
    EXPECT_TRUE(parts->prefix == "drop full IN=" || parts->prefix == "drop-out " ||
                parts->prefix == "drop-mac:")
        << line;
    const std::string body(parts->body);
    EXPECT_EQ(told(body), want) << line;
    for (std::size_t n = 0; n < body.size(); ++n) {
      const std::string text = told(body.substr(0, n));
      if (text != "refused") {
        EXPECT_EQ(text, want) << body.substr(0, n);
      }
    }
  }
}

// What ulogd2 wrote of real packets: raw sockets' of every protocol, fragments, a local sender's.
TEST(LogLine, ReadsWhatUlogdWrites) {
  const std::string v4 = "10.9.0.2 > 10.9.0.1 ", v6 = "fd09::2 > fd09::1 ";
  const std::vector<Case> all{
      {"my-drop: ", v4 + "6 40000:8080"},
      {"my-drop: ", v4 + "6 40000:8080 mid-stream"},
      {"my-drop: ", v4 + "17 40000:53"},
      {"my-drop: ", v4 + "132 40000:3868"},
      {"my-drop: ", v4 + "1 icmp 8/0"},
      {"my-drop: ", v4 + "50"},
      {"my-drop: ", v4 + "51"},
      {"my-drop: ", v4 + "47"},
      {"my-drop: ", v4 + "136"},
      {"my-drop: ", v4 + "6"},
      {"my-drop: ", v4 + "1 icmp 3/4"},
      {"my-drop: ", v4 + "1 icmp 5/1"},
      {"my-drop6:", "fd09::2 > ff02::1:ff00:1 58 icmp 135/0"},
      {"my-drop6:", v6 + "6 40000:8080"},
      {"my-drop6:", v6 + "17 40000:53"},
      {"my-drop6:", v6 + "132"},
      {"my-drop6:", v6 + "58 icmp 128/0"},
      {"my-drop6:", v6 + "51"},
      {"my-drop: ", v4 + "17 55037:5000"},
      {"my-drop6:", v6 + "17 58768:5000"},
      {"my-drop6:", v6 + "17"},
      {"my-drop6:", v6 + "17"},
      {"DROP out", "10.9.0.1 > 10.9.0.2 17 35956:5000"},
      {"my-drop: ", v4 + "1 icmp 3/3"},
  };
  const std::vector<std::string> lines = test::lines("nflog/ulogd-logemu.txt");
  ASSERT_EQ(lines.size(), all.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::optional<LogLine> parts = split_log_line(lines[i]);
    ASSERT_TRUE(parts) << lines[i];
    EXPECT_EQ(parts->time.form, WrittenTime::Form::kYearless);
    EXPECT_EQ(parts->prefix, all[i].body + ' ') << lines[i];  // ulogd adds a space
    const std::string body(parts->body);
    EXPECT_EQ(told(body), all[i].want) << lines[i];
    for (std::size_t n = 0; n < body.size(); ++n) {
      const std::string text = told(body.substr(0, n));
      if (text != "refused") {
        EXPECT_EQ(text, all[i].want) << body.substr(0, n);
      }
    }
  }
}

TEST(LogLine, TheInnerPacketOfAnIcmpErrorIsNotTheOuter) {
  EXPECT_EQ(told(kIp + "PROTO=ICMP " + kInner), "refused");  // cut in the middle: no type
}

TEST(LogLine, AnInterfaceMayBeNamedLikeAField) {
  EXPECT_EQ(told("IN=SRC=9.9.9.9 OUT=SRC=8.8.8.8 SRC=10.0.0.1 DST=10.0.0.2 LEN=60 " + kTcp),
            kV4 + std::string("6 40000:8080"));
}

std::string ways(const std::string& link) {
  Drop drop;
  Interfaces interfaces;
  if (!decode_log_body(link + kIp.substr(kIp.find("SRC=")) + kTcp, drop, interfaces))
    return "refused";
  return std::string(interfaces.in.view()) + '>' + std::string(interfaces.out.view());
}

TEST(LogLine, TellsTheInterfaces) {
  EXPECT_EQ(ways("IN=eth0 OUT=cali-a MAC=00 "), "eth0>cali-a");
  EXPECT_EQ(ways("IN=eth0 OUT= MAC=00 "), "eth0>");
  EXPECT_EQ(ways("IN= OUT=eth0 "), ">eth0");
  EXPECT_EQ(ways("IN=br0 OUT=br0 PHYSIN=veth-a PHYSOUT=veth-b MAC=00 "), "veth-a>veth-b");
  EXPECT_EQ(ways("IN=br0 OUT=eth0 PHYSIN=veth-a MAC=00 "), "veth-a>eth0");
  EXPECT_EQ(ways("IN=a\x1b[2J OUT=sixteen--letters "), ">") << "nothing that cannot be printed";
  EXPECT_EQ(ways(""), ">");
}

TEST(LogLine, OtherLinesAreNotOfTheLogTarget) {
  for (const char* line :
       {"", "x", "Nov  3 16:23:17 node-1 kernel: device eth0 entered promiscuous mode", "IN=eth0",
        "INOUT=", " OUT=eth0 SRC=1.2.3.4", "IN=a b OUT=c ",
        "IN=an-interface-name-too-long OUT=c "}) {
    EXPECT_FALSE(split_log_line(line)) << line;
  }
}

TEST(LogLine, MutatedLinesDoNoHarm) {
  std::mt19937 dice(4);
  std::size_t lines = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string line =
        "Nov  3 16:23:17 node-1 kernel: [ 1.0] drop " + cases()[dice() % cases().size()].body;
    for (unsigned n = 1 + dice() % 4; n > 0; --n)
      line[dice() % line.size()] = static_cast<char>(dice());
    line.resize(dice() % 8 == 0 ? dice() % line.size() : line.size());
    line.shrink_to_fit();  // an own allocation: ASan sees an over-read
    if (const auto parts = split_log_line(line)) {
      Drop drop;
      Interfaces interfaces;
      lines += decode_log_body(parts->body, drop, interfaces);
    }
  }
  EXPECT_GT(lines, 10'000u);
}

}  // namespace
}  // namespace kube_nflog
