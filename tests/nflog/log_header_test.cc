// SPDX-License-Identifier: Apache-2.0
// The forms of header that log daemons write, through split_log_line(): what remains is the prefix.
#include "nflog/log_header.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "nflog/log_line.h"
#include "tests/nflog/bytes.h"

namespace kube_nflog {
namespace {

using Form = WrittenTime::Form;

const std::string kBody =
    "IN=eth0 OUT= MAC= SRC=10.0.0.1 DST=10.0.0.2 LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=1 PROTO=UDP "
    "SPT=40000 DPT=53 LEN=40 ";

struct Split {
  std::string prefix;
  Form form;
  bool operator==(const Split&) const = default;
};

Split split(const std::string& front) {
  const std::string line = front + kBody;
  const std::optional<LogLine> parts = split_log_line(line);
  if (!parts) return {"(no line of the LOG target)", Form::kNone};
  EXPECT_EQ(parts->body, kBody) << front;
  return {std::string(parts->prefix), parts->time.form};
}

struct Written {
  const char* by;
  std::string header;
  Form form;
};

const std::vector<Written>& headers() {
  static const std::vector<Written> all{
      {"nobody", "", Form::kNone},
      {"the kernel", "[ 1234.567890] ", Form::kUptime},
      {"the kernel, early", "[    0.000000] ", Form::kUptime},
      {"the kernel, with PRINTK_CALLER", "[ 1234.567890][  T812] ", Form::kUptime},
      {"the kernel's ring, raw", "<4>[ 1234.567890] ", Form::kUptime},
      {"dmesg -T", "[Tue Nov  3 16:23:17 2026] ", Form::kLocal},
      {"dmesg --time-format=iso", "2026-11-03T16:23:17,123456+01:00 ", Form::kZoned},
      {"rsyslog", "Nov  3 16:23:17 node-1 kernel: ", Form::kYearless},
      {"rsyslog, with uptime", "Nov  3 16:23:17 node-1 kernel: [ 1234.567890] ", Form::kYearless},
      {"rsyslog, RFC 3339", "2026-11-03T16:23:17.123456+01:00 node-1 kernel: [12345.678901] ",
       Form::kZoned},
      {"rsyslog, RFC 5424",
       "<4>1 2026-11-03T16:23:17.123456+01:00 node-1 kernel - - -  [ 1.000001] ", Form::kZoned},
      {"rsyslog, RFC 3164 with priority", "<4>Nov  3 16:23:17 node-1 kernel: ", Form::kYearless},
      {"syslog-ng", "Nov  3 16:23:17 node-1 kernel: [ 1234.567890] ", Form::kYearless},
      {"syslog-ng, ISO", "2026-11-03T16:23:17+01:00 node-1 kernel: ", Form::kZoned},
      {"busybox, klogd", "Nov  3 16:23:17 node-1 kern.warn kernel: [ 1234.567890] ",
       Form::kYearless},
      {"busybox, another one", "Nov  3 16:23:17 node-1 user.warn kernel: ", Form::kYearless},
      {"journalctl", "Nov 03 16:23:17 node-1 kernel: ", Form::kYearless},
      {"journalctl -o short-precise", "Nov 03 16:23:17.123456 node-1 kernel: ", Form::kYearless},
      {"journalctl -o short-iso", "2026-11-03T16:23:17+0100 node-1 kernel: ", Form::kZoned},
      {"journalctl -o short-iso-precise",
       "2026-11-03T16:23:17.123456+01:00 node-1 kernel: ", Form::kZoned},
      {"journalctl -o short-unix", "1793722997.123456 node-1 kernel: ", Form::kZoned},
      {"journalctl -o short-monotonic", "[ 1234.567890] node-1 kernel: ", Form::kUptime},
      {"ulogd", "Nov  3 16:23:17 node-1 ", Form::kYearless},
      {"kube-iptables-tailer's reader of journals", "2026-11-03T16:23:17.123456+01:00 node-1 ",
       Form::kZoned},
      {"journalctl -o short-full", "Tue 2026-11-03 16:23:17 UTC node-1 kernel: ", Form::kZoned},
      {"journalctl -o short-full, in Berlin",
       "Tue 2026-11-03 17:23:17 CET node-1 kernel: ", Form::kLocal},
      {"journalctl -o short-full, in Kolkata",
       "Tue 2026-11-03 21:53:17 +0530 node-1 kernel: ", Form::kZoned},
      {"a template", "2026-11-03 16:23:17.123 node-1 kernel: ", Form::kLocal},
      {"a template with a zone", "2026-11-03 16:23:17.123 GMT node-1 kernel: ", Form::kZoned},
  };
  return all;
}

TEST(LogHeader, EveryDaemonsIsTakenOff) {
  for (const Written& w : headers()) {
    EXPECT_EQ(split(w.header + "my-drop: "), (Split{"my-drop: ", w.form})) << w.by;
    EXPECT_EQ(split(w.header), (Split{"", w.form})) << w.by;
  }
}

// One line of each, as it was written on 18 and 23 November 2026 by a host named INFRA-1.
TEST(LogHeader, WhatRealDaemonsWroteIsTakenOff) {
  const std::vector<std::string> lines = test::lines("nflog/log-daemons.txt");
  ASSERT_EQ(lines.size(), 14u);
  const SystemTime now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 24);
  LocalOffset utc([](std::time_t) { return std::chrono::seconds(0); });
  for (const std::string& line : lines) {
    const std::optional<LogLine> parts =
        split_log_line(std::string_view(line).substr(line.find('|') + 1));
    ASSERT_TRUE(parts) << line;
    EXPECT_EQ(parts->prefix, "my-drop: ") << line;
    const auto age =
        now - meaning(parts->time, now, SteadyTime(std::chrono::hours(8)), utc).value();
    EXPECT_TRUE(age > std::chrono::hours(1) && age < std::chrono::hours(6 * 24)) << line;
  }
}

// Prefixes that look like what is before or behind them.
TEST(LogHeader, APrefixMayBeAnything) {
  for (const Written& w : headers()) {
    for (const char* prefix : {"glued", "two words ", "[UFW BLOCK] ", "IN",
                               "IN=", "INPUT-DROP:", "OUTPUT-DROP: ", "SRC=1.2.3.4 DST=5.6.7.8 ",
                               "PROTO=UDP DPT=1 ", "IN= OUT= ", "IN=eth9 OUT=eth8 drop ",
                               "SRC=1.2.3.4 ", "drop:shop/default-deny ", "a:b:c:"}) {
      EXPECT_EQ(split(w.header + prefix).prefix, prefix) << w.by;
    }
  }
}

TEST(LogHeader, TheHostIsOneWordWhateverItsName) {
  for (const char* host : {"node-1", "INFRA-1", "IN=1", "OUT=1", "kernel", "drop", "10.0.0.1",
                           "fe80::1", "ip-10-0-0-1.eu-central-1.compute.internal", "a"}) {
    const std::string header = "Nov  3 16:23:17 " + std::string(host);
    EXPECT_EQ(split(header + " kernel: [ 1.0] my-drop: ").prefix, "my-drop: ") << host;
    EXPECT_EQ(split(header + " kernel: my-drop: ").prefix, "my-drop: ") << host;
    EXPECT_EQ(split(header + " my-drop: ").prefix, "my-drop: ") << host;
    EXPECT_EQ(split(header + " kernel: " + host + " drop: ").prefix, std::string(host) + " drop: ");
  }
}

// A word behind the time is a zone where a host and the tag follow.
TEST(LogHeader, AHostMayBeNamedLikeAZone) {
  const std::string date = "2026-11-03 16:23:17 ";
  EXPECT_EQ(split(date + "CET kernel: my-drop: "), (Split{"my-drop: ", Form::kLocal}));
  EXPECT_EQ(split(date + "NODE my-drop: "), (Split{"my-drop: ", Form::kLocal}));
  EXPECT_EQ(split(date + "NODE two words "), (Split{"two words ", Form::kLocal}));
  EXPECT_EQ(split(date + "CET kernel kernel: kernel: x "), (Split{"kernel: x ", Form::kLocal}));
  EXPECT_EQ(split("Nov  3 16:23:17 CET node-1 kernel: "),
            (Split{"node-1 kernel: ", Form::kYearless}));
}

// It is known by the colon that mostly ends a prefix, or by the tag.
TEST(LogHeader, AHostMayBeMissing) {
  EXPECT_EQ(split("Nov  3 16:23:17 kernel: my-drop: ").prefix, "my-drop: ");
  EXPECT_EQ(split("2026-11-03T16:23:17Z my-drop: ").prefix, "my-drop: ");
  EXPECT_EQ(split("2026-11-03T16:23:17Z [ 1.0] two words ").prefix, "two words ");
  EXPECT_EQ(split("Nov  3 16:23:17 glued").prefix, "glued");
}

TEST(LogHeader, OnlyOneOfEachIsTakenOff) {
  EXPECT_EQ(split("Nov  3 16:23:17 node-1 kernel: kernel: x ").prefix, "kernel: x ");
  EXPECT_EQ(split("Nov  3 16:23:17 node-1 kernel: [1.0] [2.0] ").prefix, "[2.0] ");
  EXPECT_EQ(split("Nov  3 16:23:17 node-1 kernel: Nov  3 16:23:17 x ").prefix,
            "Nov  3 16:23:17 x ");
  EXPECT_EQ(split("<4><5>").prefix, "<5>");
  EXPECT_EQ(split("Nov  3 16:23:17 node-1 user.notice drop ").prefix, "user.notice drop ");
}

// Whatever they say before the tag, it is another word on each line, and no part of a prefix.
TEST(LogHeader, OfAFormThatIsNotKnownTheTagIsTheEnd) {
  for (const char* header :
       {"Tue Nov  3 16:23:17 2026 node-1 kernel: ", "2026/11/03 16:23:17 node-1 kernel: ",
        "16:23:17 kernel: ", "03.11.2026 16:23:17.123 [node-1] warning kernel: ",
        "<4>Tue Nov  3 16:23:17 CET 2026 node-1 kernel: ", "1793722997 node-1 kernel: "}) {
    EXPECT_EQ(split(std::string(header) + "my-drop: ").prefix, "my-drop: ") << header;
    EXPECT_EQ(split(std::string(header) + "a kernel: b ").prefix, "a kernel: b ") << header;
  }
  EXPECT_EQ(split("2026/11/03 16:23:17 node-1 kernel: [ 1234.567890] my-drop: "),
            (Split{"my-drop: ", Form::kUptime}));
}

// Nothing before the tag tells a time: the kernel's own line, whose rule says so.
TEST(LogHeader, APrefixMayHaveTheTagInIt) {
  for (const char* prefix : {"my kernel: drop ", "fw-2 kernel: ", "a:b kernel: c kernel: "}) {
    EXPECT_EQ(split(prefix), (Split{prefix, Form::kNone}));
    EXPECT_EQ(split("Nov  3 16:23:17 node-1 kernel: " + std::string(prefix)).prefix, prefix);
  }
}

TEST(LogHeader, WhatIsAlmostOneIsAPrefix) {
  for (const char* prefix : {"<>", "<4", "<12345>", "<x> ", "[1] ", "[drop] ", "[ ",
                             "kernel:", "Nov 33 16:23:17 node-1 ", "2026-11-03 ", "kern.warn ",
                             "12345678.5 ", "123456789012.5 ", "1793722997 ", "1793722997.123456"})
    EXPECT_EQ(split(prefix), (Split{prefix, Form::kNone}));
}

}  // namespace
}  // namespace kube_nflog
