// SPDX-License-Identifier: Apache-2.0
// Times as log daemons and the kernel write them, recognised by their form: there is no layout to
// configure. Pure, but for the zone's rules; no allocation. Used by nflog/log_header and
// nflog/log_intake.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string_view>

#include "core/clock.h"

namespace kube_nflog {

// What is written, which is not yet a time: see meaning().
struct WrittenTime {
  enum class Form : std::uint8_t {
    kNone,
    kZoned,     // RFC 3339: `value` is since 1970, UTC
    kLocal,     // the same without its zone, or dmesg -T's: by the clock on the writer's wall
    kYearless,  // RFC 3164: by that clock; `value` is since midnight of `date`
    kUptime,    // the kernel's: `value` is since boot
  };
  Form form = Form::kNone;
  std::chrono::microseconds value{};
  std::chrono::month_day date{};

  explicit operator bool() const { return form != Form::kNone; }
  bool names_no_zone() const { return form == Form::kLocal || form == Form::kYearless; }
};

// Both take a time, and the space that ends it, off the front of `text`; false as a value: there is
// none, and nothing was taken.
//
// RFC 3339 with any fraction, `T` or a space before the hours, and a zone, `Z` or none, or ` UTC`
// or ` +01:00` behind it, and a weekday or none in front; RFC 3164 with or without a fraction;
// seconds since 1970 with one.
WrittenTime take_date_time(std::string_view& text);
// The kernel's `[ 123.456789]`, behind it also `[T42]`, its caller (CONFIG_PRINTK_CALLER); or what
// `dmesg -T` puts there, `[Tue Nov  3 16:23:17 2026]`.
WrittenTime take_bracketed_time(std::string_view& text);

// How far local time is ahead of UTC. Owned by one thread.
class LocalOffset {
 public:
  using Rule = std::chrono::seconds (*)(std::time_t);

  explicit LocalOffset(Rule rule = rule_of_this_process) : rule_(rule) {}

  // Asks the rule once for each quarter of an hour, which is where clocks are put forward or back.
  std::chrono::seconds at(SystemTime time);

  static std::chrono::seconds rule_of_this_process(std::time_t time);  // TZ, /etc/localtime

 private:
  struct Quarter {
    std::int64_t number = INT64_MIN;
    std::chrono::seconds offset{};
  };
  Rule rule_;
  std::array<Quarter, 4> known_{};
};

// The time that `written` means to a reader at `now`, of which `uptime` is the same moment by
// CLOCK_MONOTONIC. A missing year is the one that comes nearest; of an hour that comes twice, the
// one whose offset is today's; an hour that is left out is read as if it were not. None: not
// written, or on a 29 February that no such year has.
std::optional<SystemTime> meaning(const WrittenTime& written, SystemTime now, SteadyTime uptime,
                                  LocalOffset& local);

}  // namespace kube_nflog
