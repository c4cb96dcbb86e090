// SPDX-License-Identifier: Apache-2.0
#include "nflog/log_intake.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/log.h"
#include "nflog/log_line.h"
#include "nflog/prefix_advice.h"
#include "nflog/text.h"

namespace kube_nflog {
namespace {

// So many prefixes are told at once, each once; of further ones, one a minute. A log whose lines
// begin in a way that we do not know may have another one on each of them.
constexpr std::size_t kMaxAdvice = 32;

// After so many lines without one of the chosen prefixes, and none with one: a first connection, or
// a few, whose packets were repeated.
constexpr std::uint64_t kManyPassedOver = 5;

// Our words may end up in the log that we read: they must not look like a line of the LOG target.
bool may_be_told(std::string_view prefix) { return prefix.find(kLogMark) == prefix.npos; }

// By more than this, a time without a zone is of another zone, not of a slow daemon.
constexpr auto kSlowDaemon = std::chrono::minutes(10);

// `5.75 h`, to the quarter: finer no zone differs.
std::string hours(std::chrono::microseconds time) {
  constexpr std::array<std::string_view, 4> kQuarters{"", ".25", ".5", ".75"};
  using Quarters = std::chrono::duration<std::int64_t, std::ratio<900>>;
  const std::int64_t quarters = std::chrono::round<Quarters>(time).count();
  return std::to_string(quarters / 4).append(kQuarters[static_cast<std::size_t>(quarters % 4)]) +
         " h";
}

}  // namespace

LogIntake::LogIntake(const LogIntakeOptions& options, CauseTable& causes, Metrics& metrics)
    : causes_(causes),
      verdicts_(PrefixOrigin::kLog, options.prefixes, causes),
      advises_(options.prefixes.empty()),
      awaits_chosen_(!advises_),
      expire_(options.expire),
      metrics_(metrics) {}

// Also tells the operator of a prefix that is new and does not count.
Verdict LogIntake::judge(std::string_view prefix) {
  const std::uint64_t judged = verdicts_.size() + verdicts_.beyond_capacity();
  const Verdict verdict = verdicts_.of(prefix);
  const bool again = judged == verdicts_.size() + verdicts_.beyond_capacity();
  if (!advises_ || again || verdict.ruling != Ruling::kUnknown) return verdict;
  if (!may_be_told(prefix)) return verdict;
  if (advised_on_ < kMaxAdvice) {
    ++advised_on_;
    log::warn(prefix_advice(prefix));
  } else {
    log::warn_every(std::chrono::seconds(60), "unknown_prefix", prefix_advice(prefix));
  }
  return verdict;
}

// A mistake in what was chosen would pass over every line, and say nothing. Once is enough: where
// other rules log, too, it may be no mistake.
void LogIntake::pass_over(std::string_view prefix) {
  if (++passed_over_ < kManyPassedOver || !may_be_told(prefix)) return;
  awaits_chosen_ = false;
  log::warn(chosen_advice(prefix, passed_over_));
}

void LogIntake::warn_of_zone(SystemTime written, SystemTime now) {
  if (now < next_zone_warning_) return;
  next_zone_warning_ = now + std::chrono::hours(1);
  log::warn("The log's times carry no zone and are " + hours(std::chrono::abs(now - written)) +
            (written < now ? " behind" : " ahead of") +
            " the local time of this process: lines that come while it runs are told all the same, "
            "but how old those from before are cannot be told. Set TZ to the zone of the log's "
            "writer, or mount the node's /etc/localtime.");
}

// A container mostly runs in another zone than its node, and the lines that come while it runs must
// not expire for that.
SystemTime LogIntake::time_of(const WrittenTime& written, const ReadTime& at) {
  const std::optional<SystemTime> time = meaning(written, at.now, at.uptime, local_);
  if (!time) return at.now;
  const bool ahead = *time > at.now + kSlowDaemon;
  const bool behind = at.live && *time < at.now - kSlowDaemon;
  if (!written.names_no_zone() || (!ahead && !behind)) return *time;
  warn_of_zone(*time, at.now);
  return at.now;
}

void LogIntake::take(std::string_view line, std::optional<SystemTime> carrier, const ReadTime& at,
                     std::vector<Drop>& out) {
  const std::optional<LogLine> parts = split_log_line(line);
  if (!parts) return;  // somebody else's line
  ++counts_.seen;
  const std::string_view prefix = trimmed(parts->prefix);
  const Verdict verdict = judge(prefix);
  if (verdict.ruling != Ruling::kDrop) {
    if (awaits_chosen_ && verdict.ruling == Ruling::kUnknown) pass_over(prefix);
    ++(verdict.ruling == Ruling::kHint    ? counts_.hints
       : verdict.ruling == Ruling::kAllow ? counts_.allowed
                                          : counts_.unknown);
    return;
  }
  awaits_chosen_ = false;
  const SystemTime time = std::min(carrier ? *carrier : time_of(parts->time, at), at.now);
  if (at.now - time > expire_) {
    ++counts_.expired;
    return;
  }
  Drop& drop = out.emplace_back();
  Interfaces interfaces;
  if (!decode_log_body(parts->body, drop, interfaces)) {
    out.pop_back();
    ++counts_.undecodable;
    return;
  }
  drop.key.cause = verdict.cause;
  if (causes_.is_overflow(verdict.cause)) ++counts_.causes_left_out;
  if (!interfaces.empty()) {
    drop.interfaces = interfaces_.intern(interfaces);
    if (drop.interfaces == nullptr) ++counts_.interfaces_left_out;
  }
  drop.time = time;
}

void LogIntake::skipped(std::uint64_t lines) {
  counts_.seen += lines;
  counts_.undecodable += lines;
}

void LogIntake::publish() {
  const auto counts = std::exchange(counts_, {});
  metrics_.seen.add(counts.seen);
  metrics_.suppressed[Why::kHint].add(counts.hints);
  metrics_.suppressed[Why::kAllowed].add(counts.allowed);
  metrics_.suppressed[Why::kUnknownPrefix].add(counts.unknown);
  metrics_.causes_left_out.add(counts.causes_left_out);
  metrics_.interfaces_left_out.add(counts.interfaces_left_out);
  metrics_.lost[Where::kUndecodable].add(counts.undecodable);
  metrics_.lost[Where::kExpired].add(counts.expired);
}

}  // namespace kube_nflog
