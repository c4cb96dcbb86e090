// SPDX-License-Identifier: Apache-2.0
#include "nflog/log_time.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace kube_nflog {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using Form = WrittenTime::Form;

SystemTime utc(int year, unsigned month, unsigned day, int hour, int minute, int second,
               int micros = 0) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  return std::chrono::sys_days(date) + hours(hour) + minutes(minute) + seconds(second) +
         microseconds(micros);
}

WrittenTime taken(const std::string& line, const std::string& rest) {
  std::string_view text = line;
  const WrittenTime dated = take_date_time(text);
  const WrittenTime time = dated ? dated : take_bracketed_time(text);
  EXPECT_EQ(text, rest) << line;
  return time;
}

// What `line` means at `now`, in a zone that is so far ahead of UTC at all times.
template <int kHours>
std::optional<SystemTime> meant(const std::string& line, SystemTime now) {
  LocalOffset local([](std::time_t) -> seconds { return hours(kHours); });
  return meaning(taken(line + "rest", "rest"), now, SteadyTime(hours(2)), local);
}

const SystemTime kNow = utc(2026, 11, 3, 16, 25, 0);

TEST(LogTime, Rfc3339WithAnyFractionAndZone) {
  const SystemTime whole = utc(2026, 11, 3, 16, 23, 17);
  for (const auto& [line, want] : std::vector<std::pair<std::string, SystemTime>>{
           {"2026-11-03T16:23:17Z ", whole},
           {"2026-11-03t16:23:17z ", whole},
           {"2026-11-03 16:23:17Z ", whole},
           {"2026-11-03T17:23:17+01:00 ", whole},
           {"2026-11-03T17:23:17+0100 ", whole},
           {"2026-11-03T10:53:17-05:30 ", whole},
           {"2026-11-04T02:23:17+10:00 ", whole},
           {"2026-11-03T16:23:16.9Z ", whole - microseconds(100'000)},
           {"2026-11-03T16:23:17.123Z ", whole + microseconds(123'000)},
           {"2026-11-03T16:23:17.123456+00:00 ", whole + microseconds(123'456)},
           {"2026-11-03T16:23:17.123456789Z ", whole + microseconds(123'456)},
           {"2026-11-03T16:23:17,123456+00:00 ", whole + microseconds(123'456)},
           {"2026-12-31T23:59:60Z ", utc(2027, 1, 1, 0, 0, 0)},
           {"Tue 2026-11-03 16:23:17 UTC ", whole},
           {"2026-11-03 16:23:17 GMT ", whole},
           {"2026-11-03 17:23:17.000 +01:00 ", whole},
           {"Tue 2026-11-03 21:53:17 +0530 ", whole},
           {"Tue 2026-11-03 13:23:17 -03 ", whole},
           {"Tue 2026-11-03T17:23:17+01:00 ", whole},
       }) {
    EXPECT_EQ(meant<-5>(line, kNow), want) << line << ": the local zone does not matter";
  }
}

TEST(LogTime, WithoutAZoneItIsLocal) {
  const SystemTime whole = utc(2026, 11, 3, 16, 23, 17);
  EXPECT_EQ(meant<0>("2026-11-03T16:23:17 ", kNow), whole);
  EXPECT_EQ(meant<-5>("2026-11-03 11:23:17.5 ", kNow), whole + microseconds(500'000));
  EXPECT_EQ(meant<-5>("Tue 2026-11-03 11:23:17 ", kNow), whole);
  EXPECT_EQ(meant<2>("[Tue Nov  3 18:23:17 2026] ", kNow), whole);
  EXPECT_EQ(meant<2>("Nov  3 18:23:17 ", kNow), whole);
  EXPECT_EQ(meant<2>("Nov 03 18:23:17.250 ", kNow), whole + microseconds(250'000));
  EXPECT_EQ(meant<2>("Nov 3 18:23:17 ", kNow), whole);
}

TEST(LogTime, TheYearIsTheOneThatComesNearest) {
  EXPECT_EQ(meant<0>("Dec 31 23:59:58 ", utc(2027, 1, 1, 0, 0, 3)), utc(2026, 12, 31, 23, 59, 58));
  EXPECT_EQ(meant<0>("Jan  1 00:00:01 ", utc(2026, 12, 31, 23, 59, 59)), utc(2027, 1, 1, 0, 0, 1));
  EXPECT_EQ(meant<0>("Nov 13 16:23:17 ", kNow), utc(2026, 11, 13, 16, 23, 17));
  EXPECT_EQ(meant<0>("Feb 29 12:00:00 ", utc(2028, 3, 1, 0, 0, 0)), utc(2028, 2, 29, 12, 0, 0));
  EXPECT_EQ(meant<0>("Feb 29 12:00:00 ", utc(2029, 1, 1, 0, 0, 0)), utc(2028, 2, 29, 12, 0, 0));
  EXPECT_EQ(meant<0>("Feb 29 12:00:00 ", utc(2026, 3, 1, 0, 0, 0)), std::nullopt);
  // Local midnight, not UTC's: at UTC-5 the new year is five hours away.
  EXPECT_EQ(meant<-5>("Dec 31 20:00:00 ", utc(2027, 1, 1, 1, 0, 30)), utc(2027, 1, 1, 1, 0, 0));
}

TEST(LogTime, TheKernelsUptimeCountsFromNow) {
  const SystemTime boot = kNow - hours(2);
  EXPECT_EQ(meant<7>("[ 7199.000001] ", kNow), boot + seconds(7199) + microseconds(1));
  EXPECT_EQ(meant<7>("[    0.000000] ", kNow), boot);
  EXPECT_EQ(meant<7>("[ 7199.000001][  T123] ", kNow), boot + seconds(7199) + microseconds(1));
  EXPECT_EQ(meant<7>("[ 7199.5][C0] ", kNow), boot + seconds(7199) + microseconds(500'000));
}

TEST(LogTime, WhatIsNoTimeIsLeftWhereItIs) {
  for (const char* line : {"",
                           " ",
                           "x",
                           "node-1 kernel: ",
                           "2026",
                           "2026-11-03",
                           "2026-11-03T16:23:17",
                           "2026-13-03T16:23:17Z ",
                           "2026-02-30T16:23:17Z ",
                           "2026-11-03T24:00:00Z ",
                           "2026-11-03T16:60:00Z ",
                           "2026-11-03T16:23:61Z ",
                           "2026-11-03T16:23:17.Z ",
                           "2026-11-03T16:23:17+24:00 ",
                           "2026-11-03T16:23:17+1 ",
                           "2026-11-03T16:23:17Zulu ",
                           "2026-11-03x16:23:17Z ",
                           "2026-1-03T16:23:17Z ",
                           "Tue ",
                           "Tue 2026-11-03",
                           "Tue  2026-11-03 16:23:17 ",
                           "Tux 2026-11-03 16:23:17 ",
                           "Tue 1793722997.123456 ",
                           "Nov",
                           "Nov  3",
                           "Nov  3 16:23:17",
                           "Nov  3 16:23:17x ",
                           "Nov  0 16:23:17 ",
                           "Nov 31 16:23:17 ",
                           "Feb 30 16:23:17 ",
                           "anF  3 16:23:17 ",
                           "nov  3 16:23:17 ",
                           "Nov  3 16:23 ",
                           "Nov 123 16:23:17 ",
                           "[",
                           "[]",
                           "[1]",
                           "[1] ",
                           "[1.] ",
                           "[.5] ",
                           "[1.5]",
                           "[1.5]x ",
                           "[UFW BLOCK] ",
                           "[1234567890123.0] ",
                           "[1.5][X1] ",
                           "[1.5][T] ",
                           "[Tue Nov  3 16:23:17] ",
                           "[Xyz Nov  3 16:23:17 2026] ",
                           "[Tue Feb 29 16:23:17 2026] "}) {
    EXPECT_FALSE(taken(line, line)) << line;
  }
}

// A word that is no zone is the host, or the prefix.
TEST(LogTime, BehindATimeOnlyAZoneIsTaken) {
  for (const char* word : {"CET ", "UTC", "UTCx ", "UT ", "+1 ", "+01:0 ", "+24 ", "-03:60 ", "+ "})
    EXPECT_EQ(taken("2026-11-03 16:23:17 " + std::string(word), word).form, Form::kLocal);
}

TEST(LogTime, ACutTimeIsNoOtherTime) {
  for (const std::string& line :
       std::vector<std::string>{"2026-11-03T16:23:17.123456+01:00 ", "Nov 13 16:23:17.5 ",
                                "[ 1234.567890][  T12] ", "[Tue Nov  3 16:23:17 2026] "}) {
    for (std::size_t n = 0; n < line.size(); ++n) {
      const std::string cut = line.substr(0, n);
      EXPECT_FALSE(taken(cut, cut)) << cut;
    }
  }
}

TEST(LogTime, NothingThatIsWrittenOverflows) {
  for (const char* line :
       {"0000-01-01T00:00:00+23:59 ", "9999-12-31T23:59:59-23:59 ", "0000-01-01 00:00:00 ",
        "[999999999999.999999] ", "[Mon Jan  1 00:00:00 0000] ", "Jan  1 00:00:00 "}) {
    LocalOffset here;
    std::string_view text = line;
    const WrittenTime dated = take_date_time(text);
    EXPECT_TRUE(meaning(dated ? dated : take_bracketed_time(text), kNow, {}, here)) << line;
  }
}

// Central Europe by its rule, which needs no zone files.
class LogTimeInEurope : public ::testing::Test {
 protected:
  void SetUp() override { zone("CET-1CEST,M3.5.0,M10.5.0/3"); }
  void TearDown() override { zone("UTC0"); }
  static void zone(const char* tz) {
    ::setenv("TZ", tz, 1);
    ::tzset();
  }
  std::optional<SystemTime> meant(const std::string& line, SystemTime now) {
    return meaning(taken(line, ""), now, {}, local);
  }
  LocalOffset local;
};

TEST_F(LogTimeInEurope, SummerTimeIsKnown) {
  EXPECT_EQ(meant("Jul  1 14:00:00 ", utc(2026, 7, 1, 12, 0, 30)), utc(2026, 7, 1, 12, 0, 0));
  EXPECT_EQ(meant("Dec  1 13:00:00 ", utc(2026, 12, 1, 12, 0, 30)), utc(2026, 12, 1, 12, 0, 0));
  EXPECT_EQ(meant("Jul  1 14:00:00 ", utc(2026, 12, 1, 12, 0, 0)), utc(2026, 7, 1, 12, 0, 0));
}

// 29 March 2026, 01:00 UTC: 02:00 becomes 03:00.
TEST_F(LogTimeInEurope, TheClockGoesForward) {
  const SystemTime now = utc(2026, 3, 29, 1, 1, 0);
  EXPECT_EQ(meant("Mar 29 01:59:00 ", now), now - minutes(2));
  EXPECT_EQ(meant("Mar 29 03:00:30 ", now), now - seconds(30));
  EXPECT_EQ(meant("Mar 29 02:30:00 ", now), utc(2026, 3, 29, 1, 30, 0)) << "no such time";
}

// 25 October 2026, 01:00 UTC: 03:00 becomes 02:00.
TEST_F(LogTimeInEurope, TheClockGoesBack) {
  EXPECT_EQ(meant("Oct 25 02:30:00 ", utc(2026, 10, 25, 0, 31, 0)), utc(2026, 10, 25, 0, 30, 0));
  EXPECT_EQ(meant("Oct 25 02:30:00 ", utc(2026, 10, 25, 1, 31, 0)), utc(2026, 10, 25, 1, 30, 0));
  EXPECT_EQ(meant("Oct 25 01:30:00 ", utc(2026, 10, 25, 1, 31, 0)), utc(2026, 10, 24, 23, 30, 0));
}

TEST(LocalOffset, AsksOnceForEachQuarterOfAnHour) {
  static int asked = 0;
  LocalOffset local([](std::time_t time) {
    ++asked;
    return seconds(time % 7);
  });
  const SystemTime start = utc(2026, 11, 3, 16, 15, 0);
  const seconds offset = local.at(start);
  for (int i = 0; i < 900; ++i) EXPECT_EQ(local.at(start + seconds(i)), offset);
  EXPECT_EQ(asked, 1);
  local.at(start - microseconds(1));
  local.at(start + seconds(900));
  EXPECT_EQ(asked, 3);
  EXPECT_EQ(local.at(start), offset);
  EXPECT_EQ(asked, 3);
  EXPECT_EQ(local.at(utc(1969, 12, 31, 23, 59, 59)), seconds(-900 % 7));
}

}  // namespace
}  // namespace kube_nflog
