// SPDX-License-Identifier: Apache-2.0
// Fuzz target: any line is read or refused, and what is read lies within the line, has both
// addresses, printable names, and a time that can be.
#include "nflog/log_line.h"

#include <cstdint>
#include <cstdlib>

#include "nflog/log_time.h"
#include "nflog/verdict.h"

namespace {

using namespace kube_nflog;

void demand(bool condition) {
  if (!condition) std::abort();
}

void check_time(const WrittenTime& written) {
  using namespace std::chrono;
  constexpr SystemTime kNow = sys_days(2026y / 11 / 3) + 16h;
  constexpr SystemTime kFirst = sys_days(0y / 1 / 1) - 48h, kLast = sys_days(10'000y / 1 / 1) + 48h;
  LocalOffset local([](std::time_t time) { return seconds(time / 900 % 7 * 3600); });
  const std::optional<SystemTime> time = meaning(written, kNow, SteadyTime(100h), local);
  switch (written.form) {
    case WrittenTime::Form::kNone:
      return demand(!time);
    case WrittenTime::Form::kZoned:
    case WrittenTime::Form::kLocal:
      return demand(time && *time > kFirst && *time < kLast);
    case WrittenTime::Form::kYearless:
      return demand(!time || abs(*time - kNow) < days(550));
    case WrittenTime::Form::kUptime:
      return demand(time && *time >= kNow - 100h);
  }
}

void check_parts(std::string_view line, const LogLine& parts) {
  const char* const prefix_end = parts.prefix.data() + parts.prefix.size();
  demand(parts.prefix.data() >= line.data() && prefix_end == parts.body.data());
  demand(parts.body.data() + parts.body.size() == line.data() + line.size());
  demand(parts.body.starts_with("IN="));
}

void check_drop(const Drop& drop, const Interfaces& interfaces) {
  for (const InterfaceName& name : {interfaces.in, interfaces.out})
    for (const char c : name.view()) demand(c > ' ' && c <= '~');
  demand(!drop.key.src.empty() && drop.key.src.is_v4() == drop.key.dst.is_v4());
  demand(drop.key.detail_kind == Detail::kPort || drop.src_port == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const std::optional<LogLine> parts = split_log_line(line);
  if (!parts) return 0;
  check_parts(line, *parts);
  check_time(parts->time);
  read_prefix(parts->prefix, PrefixOrigin::kLog, {});  // what it makes of it: see prefix.cc
  Drop drop;
  Interfaces interfaces;
  if (decode_log_body(parts->body, drop, interfaces)) check_drop(drop, interfaces);
  return 0;
}
