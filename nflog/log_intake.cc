// SPDX-License-Identifier: Apache-2.0
#include "nflog/log_intake.h"

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

}  // namespace

LogIntake::LogIntake(const LogIntakeOptions& options, CauseTable& causes, Metrics& metrics)
    : causes_(causes),
      verdicts_(PrefixOrigin::kLog, options.prefixes, causes),
      advises_(options.prefixes.empty()),
      metrics_(metrics) {}

// Also tells the operator of a prefix that is new and does not count.
Verdict LogIntake::judge(std::string_view prefix) {
  const std::uint64_t judged = verdicts_.size() + verdicts_.beyond_capacity();
  const Verdict verdict = verdicts_.of(prefix);
  const bool again = judged == verdicts_.size() + verdicts_.beyond_capacity();
  if (!advises_ || again || verdict.ruling != Ruling::kUnknown) return verdict;
  // Our words may end up in the log that we read: they must not look like a line of the LOG target.
  if (prefix.find(" OUT=") != std::string_view::npos) return verdict;
  if (advised_on_ < kMaxAdvice) {
    ++advised_on_;
    log::warn(prefix_advice(prefix));
  } else {
    log::warn_every(std::chrono::seconds(60), "unknown_prefix", prefix_advice(prefix));
  }
  return verdict;
}

void LogIntake::take(std::string_view line, SystemTime time, std::vector<Drop>& out) {
  const std::optional<LogLine> parts = split_log_line(line);
  if (!parts) return;  // somebody else's line
  ++counts_.seen;
  const Verdict verdict = judge(trimmed(parts->prefix));
  if (verdict.ruling != Ruling::kDrop) {
    ++(verdict.ruling == Ruling::kHint    ? counts_.hints
       : verdict.ruling == Ruling::kAllow ? counts_.allowed
                                          : counts_.unknown);
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
}

}  // namespace kube_nflog
