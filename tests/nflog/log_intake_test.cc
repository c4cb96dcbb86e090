// SPDX-License-Identifier: Apache-2.0
#include "nflog/log_intake.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "tests/bench/allocations.h"

namespace kube_nflog {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const SystemTime kNow = std::chrono::sys_days(std::chrono::year(2026) / 11 / 3) + hours(16) +
                        minutes(25);  // 2026-11-03T16:25:00Z

class LogIntakeTest : public ::testing::Test {
 protected:
  void SetUp() override { zone("UTC0"); }
  void TearDown() override { zone("UTC0"); }
  static void zone(const char* tz) {
    ::setenv("TZ", tz, 1);
    ::tzset();
  }

  // How long before `at.now` the line was logged, as its drop says; "expired", "undecodable",
  // "unknown" or "passed over" where it made none. What is counted always adds up.
  std::string taken(const std::string& line, std::optional<SystemTime> carrier = std::nullopt) {
    const std::uint64_t expired = metrics.lost[Where::kExpired].value();
    const std::uint64_t undecodable = metrics.lost[Where::kUndecodable].value();
    const std::uint64_t seen = metrics.seen.value();
    out.clear();
    intake.take(line, carrier, at, out);
    intake.publish();
    drops += out.size();
    EXPECT_EQ(metrics.seen.value(), drops + metrics.suppressed[Why::kUnknownPrefix].value() +
                                        metrics.lost[Where::kExpired].value() +
                                        metrics.lost[Where::kUndecodable].value());
    if (!out.empty()) return std::to_string((at.now - out[0].time) / seconds(1)) + " s";
    if (metrics.lost[Where::kExpired].value() != expired) return "expired";
    if (metrics.lost[Where::kUndecodable].value() != undecodable) return "undecodable";
    return metrics.seen.value() == seen ? "passed over" : "unknown";
  }
  std::string dated(const std::string& time) {
    return taken(time + "node-1 kernel: drop: " + body);
  }

  const std::string body =
      "IN=a OUT=b SRC=10.0.0.1 DST=10.0.0.2 LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=1 PROTO=UDP "
      "SPT=40000 DPT=53 LEN=40 ";
  Metrics metrics;
  CauseTable causes;
  LogIntake intake{LogIntakeOptions{}, causes, metrics};
  ReadTime at{.now = kNow, .uptime = SteadyTime(hours(2))};
  std::vector<Drop> out;
  std::size_t drops = 0;
};

TEST_F(LogIntakeTest, ALineIsAsOldAsItSays) {
  EXPECT_EQ(dated("2026-11-03T16:23:17Z "), "103 s");
  EXPECT_EQ(dated("2026-11-03T17:23:17.000001+01:00 "), "102 s");
  EXPECT_EQ(dated("Nov  3 16:23:17 "), "103 s");
  EXPECT_EQ(taken("[ 7199.000000] drop: " + body), "1 s");
  EXPECT_EQ(taken("drop: " + body), "0 s") << "no time at all: it comes now";
  EXPECT_EQ(dated("Feb 29 12:00:00 "), "0 s") << "a day that does not exist is no time";
}

TEST_F(LogIntakeTest, TheDaemonsTimeGoesBeforeTheKernels) {
  EXPECT_EQ(taken("Nov  3 16:24:50 node-1 kernel: [    1.000000] drop: " + body), "10 s");
}

TEST_F(LogIntakeTest, TheCarriersTimeGoesBeforeTheLines) {
  EXPECT_EQ(taken("Nov  3 16:24:50 node-1 kernel: drop: " + body, kNow - seconds(20)), "20 s");
  EXPECT_EQ(taken("drop: " + body, kNow - minutes(11)), "expired");
  at.live = true;
  EXPECT_EQ(taken("drop: " + body, kNow - minutes(11)), "expired") << "it knows its zone";
}

TEST_F(LogIntakeTest, WhatIsOlderThanTheLimitIsLostAsExpired) {
  EXPECT_EQ(dated("2026-11-03T16:15:00Z "), "600 s");
  EXPECT_EQ(dated("2026-11-03T16:14:59Z "), "expired");
  EXPECT_EQ(dated("Nov  3 16:14:59 "), "expired");
  EXPECT_EQ(dated("Nov  3 16:25:01 "), "0 s");
  EXPECT_EQ(dated("1970-01-01T00:00:00Z "), "expired");
  EXPECT_EQ(taken("[ 6599.000000] drop: " + body), "expired");
  EXPECT_EQ(metrics.lost[Where::kExpired].value(), 4u);
  EXPECT_EQ(metrics.seen.value(), 6u);
}

TEST_F(LogIntakeTest, TheLimitIsAnOption) {
  LogIntake strict({.expire = seconds(5)}, causes, metrics);
  std::vector<Drop> told;
  strict.take("2026-11-03T16:24:55Z node-1 kernel: drop: " + body, std::nullopt, at, told);
  strict.take("2026-11-03T16:24:54Z node-1 kernel: drop: " + body, std::nullopt, at, told);
  EXPECT_EQ(told.size(), 1u);
}

TEST_F(LogIntakeTest, TheFutureIsNow) {
  EXPECT_EQ(dated("2026-11-03T16:25:01Z "), "0 s");
  EXPECT_EQ(dated("9999-12-31T23:59:59Z "), "0 s");
  EXPECT_EQ(taken("[999999999999.0] drop: " + body), "0 s");
  EXPECT_EQ(taken("drop: " + body, kNow + hours(9)), "0 s");
}

TEST_F(LogIntakeTest, WhatIsNoDropDoesNotExpire) {
  EXPECT_EQ(taken("1970-01-01T00:00:00Z node-1 kernel: pass: " + body), "unknown");
  EXPECT_EQ(taken("1970-01-01T00:00:00Z node-1 kernel: eth0: link up"), "passed over");
}

// The node's zone is not the container's: the line says 11:25 where it is 16:25 here.
TEST_F(LogIntakeTest, ALiveLineOfAnotherZoneDoesNotExpire) {
  EXPECT_EQ(dated("Nov  3 11:24:59 "), "expired") << "an old one may be just that";
  at.live = true;
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(dated("Nov  3 11:24:59 "), "0 s");
  EXPECT_EQ(dated("2026-11-03 11:24:59 "), "0 s");
  EXPECT_EQ(dated("Nov  3 22:09:59 "), "0 s");
  EXPECT_EQ(dated("2026-11-03T16:14:00Z "), "expired") << "this one names its zone";
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find(" 5 h behind the local time"), std::string::npos) << said;
  EXPECT_NE(said.find("/etc/localtime"), std::string::npos) << said;
  EXPECT_EQ(said.find("ahead of"), std::string::npos) << "once an hour: " << said;

  at.now += hours(1);
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(dated("Nov  3 23:10:00 "), "0 s");
  const std::string later = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(later.find(" 5.75 h ahead of the local time"), std::string::npos) << later;
}

TEST_F(LogIntakeTest, ALiveLineOfASlowDaemonIsAsOldAsItSays) {
  at.live = true;
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(dated("Nov  3 16:16:00 "), "540 s");
  EXPECT_EQ(dated("Nov  3 16:30:00 "), "0 s");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST_F(LogIntakeTest, LocalTimeIsThatOfTheProcess) {
  zone("EST5");
  EXPECT_EQ(dated("Nov  3 11:24:59 "), "1 s");
  EXPECT_EQ(dated("2026-11-03 11:24:59 "), "1 s");
  EXPECT_EQ(dated("2026-11-03T16:24:59Z "), "1 s");
}

TEST_F(LogIntakeTest, ACutLineIsCountedAsUndecodable) {
  for (std::size_t n = body.find("SRC="); n < body.size() - 3; ++n)
    EXPECT_EQ(taken("drop: " + body.substr(0, n)), "undecodable") << body.substr(0, n);
}

TEST_F(LogIntakeTest, NoAllocationPerLineInSteadyState) {
  const std::string quoted =
      "IN=a OUT= MAC=00 SRC=10.0.0.1 DST=10.0.0.2 LEN=60 PROTO=ICMP TYPE=3 CODE=3 [SRC=10.0.0.2 "
      "DST=10.0.0.1 LEN=60 PROTO=TCP SPT=1 DPT=443 ] ";
  const std::vector<std::string> lines{
      "Nov  3 16:24:59 node-1 kernel: a rule that drops, with a long name: " + body,
      "2026-11-03T16:24:59Z node-1 kernel: [ 1.0] drop:shop/default-deny " + quoted,
      "2026/11/03 16:24:59 node-1 kernel: drop: " + body,
      "Tue 2026-11-03 16:24:59 CET node-1 kernel: drop: " + body.substr(0, 40) +
          "Nov  3 16:24:59 node-1 kernel: drop: " + body,
      "Nov  3 16:24:59 node-1 kernel: a rule that lets pass, with a long name: " + body,
      "Nov  3 16:24:59 node-1 kernel: drop: " + body.substr(0, 60),
      "1970-01-01T00:00:00Z node-1 kernel: drop: " + body,
      "Nov  3 16:24:59 node-1 kernel: cali-b: link becomes ready"};
  out.reserve(lines.size());
  const auto take_all = [&] {
    out.clear();
    for (const std::string& line : lines) intake.take(line, std::nullopt, at, out);
    intake.publish();
  };
  take_all();  // prefixes are judged once, interfaces named once
  const std::size_t before = allocations();
  for (int i = 0; i < 10'000; ++i) take_all();
  EXPECT_EQ(allocations(), before);
  EXPECT_EQ(out.size(), 4u);
  EXPECT_EQ(metrics.lost[Where::kExpired].value(), 10'001u);
}

// More prefixes than are remembered, each judged and forgotten.
TEST_F(LogIntakeTest, HostilePrefixesCostNoAllocationEither) {
  std::vector<std::string> lines(1'500);
  for (std::size_t i = 0; i < lines.size(); ++i)
    lines[i]
        .append("drop by a rule with a long name ")
        .append(std::to_string(i))
        .append(": ")
        .append(body);
  LogIntake chosen({.prefixes = {.whole = {"drop*"}, .word = "none"}}, causes, metrics);
  out.reserve(lines.size());
  const auto take_all = [&] {
    out.clear();
    for (const std::string& line : lines) chosen.take(line, std::nullopt, at, out);
  };
  take_all();
  const std::size_t before = allocations();
  take_all();
  EXPECT_EQ(allocations(), before);
  EXPECT_EQ(out.size(), 1'500u);
}

// What a log of which nothing matches says about the prefixes that were chosen.
class LogIntakeChosenTest : public LogIntakeTest {
 protected:
  // What is said as these lines come, by their prefixes.
  std::string said(LogIntake& chosen, const std::vector<std::string>& prefixes) {
    ::testing::internal::CaptureStderr();
    for (const std::string& prefix : prefixes) chosen.take(prefix + body, std::nullopt, at, out);
    return ::testing::internal::GetCapturedStderr();
  }
};

TEST_F(LogIntakeChosenTest, ThatNothingMatchesIsToldOnce) {
  LogIntake chosen({.prefixes = {.word = "DROP"}}, causes, metrics);
  EXPECT_EQ(said(chosen, {"FW DROP: ", "FW DROP: ", "pass: ", ""}), "");
  EXPECT_EQ(said(chosen, {"IN=a OUT=b "}), "") << "it would be taken for a line that we read";
  const std::string told = said(chosen, {"FW DROP: "});
  EXPECT_NE(told.find("None of the first 6 lines"), std::string::npos) << told;
  EXPECT_NE(told.find("--log-prefix=\"FW DROP:\""), std::string::npos) << told;
  EXPECT_EQ(said(chosen, {"FW DROP: ", "a", "b", "c", "d", "e", "f"}), "");
  EXPECT_TRUE(out.empty());
}

TEST_F(LogIntakeChosenTest, OnceOneMatchesNothingIsSaid) {
  for (const ChosenPrefixes& prefixes :
       {ChosenPrefixes{.whole = {"FW*"}}, ChosenPrefixes{.word = "DROP:"}}) {
    LogIntake chosen({.prefixes = prefixes}, causes, metrics);
    EXPECT_EQ(said(chosen, {"a", "b", "FW DROP: ", "c", "d", "e", "f", "g", "h"}), "");
  }
  EXPECT_EQ(out.size(), 2u);
}

// ---- What went wrong in kube-iptables-tailer: each of these lines, or events, it lost or told
// wrongly.

class TailersFaults : public LogIntakeTest {
 protected:
  // SRC > DST, protocol, and ports or ICMP type of the drop that a line makes.
  std::string told(const std::string& line, const std::vector<std::string>& prefixes = {}) {
    Metrics own;
    LogIntake chosen({.prefixes = {.whole = prefixes}}, causes, own);
    out.clear();
    chosen.take(line, std::nullopt, at, out);
    chosen.publish();
    EXPECT_EQ(own.seen.value(), 1u) << "nothing goes by in silence: " << line;
    if (out.empty()) return "nothing";
    const DropKey& key = out[0].key;
    std::string text =
        key.src.to_string() + " > " + key.dst.to_string() + " " + std::to_string(key.protocol);
    if (key.detail_kind == Detail::kPort) text += " port " + std::to_string(key.detail);
    if (key.detail_kind == Detail::kIcmp) text += " type " + std::to_string(key.detail >> 8);
    return text;
  }
  const std::string header = "2026-11-03T16:24:59.123456+00:00 node-1 kernel: ";
  const std::string ip =
      "IN=a OUT=b MAC=00 SRC=10.0.0.1 DST=10.0.0.2 LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=1 ";
  const std::string ip6 =
      "IN=a OUT=b MAC=00 SRC=2001:0db8:0000:0000:0000:0000:0000:0001 "
      "DST=2001:0db8:0000:0000:0000:0000:0000:0002 LEN=60 TC=0 HOPLIMIT=63 FLOWLBL=0 ";
  const std::string tcp = "PROTO=TCP SPT=1 DPT=3000 WINDOW=1 RES=0x00 SYN URGP=0 ";
};

TEST_F(TailersFaults, ProtocolsWithoutPortsAreTold) {
  const std::string from = header + "drop: " + ip;
  EXPECT_EQ(told(from + "PROTO=ICMP TYPE=8 CODE=0 ID=1 SEQ=1 "), "10.0.0.1 > 10.0.0.2 1 type 8");
  EXPECT_EQ(told(from + "PROTO=132 "), "10.0.0.1 > 10.0.0.2 132");
  EXPECT_EQ(told(from + "PROTO=ESP SPI=0x1 "), "10.0.0.1 > 10.0.0.2 50");
  EXPECT_EQ(told(from + "FRAG:185 PROTO=UDP "), "10.0.0.1 > 10.0.0.2 17");
}

TEST_F(TailersFaults, Ipv6IsToldByTheAddressThatThePodHas) {
  EXPECT_EQ(told(header + "drop: " + ip6 + tcp), "2001:db8::1 > 2001:db8::2 6 port 3000");
}

TEST_F(TailersFaults, AnIcmpErrorHasNoPortsOfThePacketThatItQuotes) {
  EXPECT_EQ(told(header + "drop: " + ip +
                 "PROTO=ICMP TYPE=3 CODE=3 [SRC=10.0.0.2 DST=10.0.0.1 LEN=60 TOS=0x00 PREC=0x00 "
                 "TTL=63 ID=1 PROTO=TCP SPT=1 DPT=443 WINDOW=1 RES=0x00 SYN URGP=0 ] "),
            "10.0.0.1 > 10.0.0.2 1 type 3");
}

TEST_F(TailersFaults, PrefixesAndHostsMayBeginLikeFields) {
  const std::string want = "10.0.0.1 > 10.0.0.2 6 port 3000";
  for (const char* prefix : {"INPUT-DROP:", "INPUT-DROP: ", "OUTPUT-DROP: ", "SPT-drop ",
                             "DPT=drop ", "SRC=drop ", "PROTO-drop ", "MAC-drop: "})
    EXPECT_EQ(told(header + prefix + ip + tcp), want) << prefix;
  for (const char* host : {"INFRA-1", "OUT-1", "SRC-1", "TTL"})
    EXPECT_EQ(told("2026-11-03T16:24:59.123456+00:00 " + std::string(host) +
                   " kernel: drop: " + ip + tcp),
              want);
}

TEST_F(TailersFaults, ThePrefixIsFoundWithoutASpaceAndWithTwoWords) {
  const std::string want = "10.0.0.1 > 10.0.0.2 6 port 3000";
  EXPECT_EQ(told(header + "glued:" + ip + tcp, {"glued:"}), want);
  EXPECT_EQ(told(header + "two words: " + ip + tcp, {"two words:"}), want);
  EXPECT_EQ(told(header + "spaced: " + ip + tcp, {"spaced: "}), want);
  EXPECT_EQ(told(header + "other: " + ip + tcp, {"spaced: "}), "nothing");
}

TEST_F(TailersFaults, TimesAreUnderstoodWhateverTheirForm) {
  for (const char* time : {"2026-11-03T16:24:59Z ", "2026-11-03T16:24:59.123Z ",
                           "2026-11-03T16:24:59.123456789+00:00 ", "2026-11-03T16:24:59+00:00 ",
                           "2026-11-03T16:24:59.123456+00:00 ", "Nov  3 16:24:59 "}) {
    EXPECT_EQ(told(time + std::string("node-1 kernel: drop: ") + ip + tcp),
              "10.0.0.1 > 10.0.0.2 6 port 3000");
    EXPECT_EQ(std::chrono::ceil<seconds>(at.now - out.at(0).time), seconds(1)) << time;
  }
}

TEST_F(TailersFaults, HalfALineHasNoPort) {
  const std::string line = header + "drop: " + ip + tcp;
  EXPECT_EQ(told(line.substr(0, line.find("DPT=3000") + 6)), "nothing") << "not port 30";
}

TEST_F(TailersFaults, WhatIsNoAddressOrPortIsCountedNotTold) {
  EXPECT_EQ(taken(header + "drop: IN=a OUT=b SRC=10.0.0.999 DST=10.0.0.2 LEN=60 " + tcp),
            "undecodable");
  EXPECT_EQ(taken(header + "drop: " + ip + "PROTO=TCP SPT=1 DPT=99999 WINDOW=1 URGP=0 "),
            "undecodable");
  EXPECT_EQ(taken(header + "drop: " + ip + "PROTO=TCP SPT=x DPT=1 WINDOW=1 URGP=0 "),
            "undecodable");
}

// There the port and the protocol were no part of what makes two drops the same.
TEST_F(TailersFaults, AnotherPortIsAnotherDrop) {
  std::vector<Drop> two;
  for (const char* port : {"3000", "3001"})
    intake.take(header + "drop: " + ip + "PROTO=UDP SPT=1 DPT=" + port + " LEN=9 ", std::nullopt,
                at, two);
  ASSERT_EQ(two.size(), 2u);
  EXPECT_NE(two[0].key, two[1].key);
}

}  // namespace
}  // namespace kube_nflog
