// SPDX-License-Identifier: Apache-2.0
// LogIntake: lines of a log in, drops out, everything counted. It is a log source without the
// reading, so that tests, fuzzers and benches feed it lines. Owned by file_source and its like, on
// the ingest thread; no allocation per line.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/cause_table.h"
#include "core/clock.h"
#include "core/drop.h"
#include "core/interface_table.h"
#include "core/metrics.h"
#include "nflog/log_time.h"
#include "nflog/verdict.h"

namespace kube_nflog {

struct LogIntakeOptions {
  ChosenPrefixes prefixes = {};
  std::chrono::milliseconds expire = std::chrono::minutes(10);  // older lines are not told
};

// When lines are read.
struct ReadTime {
  SystemTime now{};
  SteadyTime uptime{};  // the same moment by CLOCK_MONOTONIC; read only of lines without a carrier
  bool live = false;    // the end of the log was reached before: what comes now is new
};

class LogIntake {
 public:
  // Both references must outlive this.
  LogIntake(const LogIntakeOptions& options, CauseTable& causes, Metrics& metrics);

  // Appends the drop of a line, which comes without its newline; lines that no LOG rule wrote are
  // passed over. It was logged at the time that its carrier gives (kmsg, journal), else at the one
  // in the line, else now. The future is now; what is too old is lost as expired.
  void take(std::string_view line, std::optional<SystemTime> carrier, const ReadTime& at,
            std::vector<Drop>& out);
  // Lines that could not be read, for whatever reason: undecodable.
  void skipped(std::uint64_t lines);

  // Adds what was counted since the last time to the metrics, once per wake-up.
  void publish();

 private:
  Verdict judge(std::string_view prefix);
  void pass_over(std::string_view prefix);
  SystemTime time_of(const WrittenTime& written, const ReadTime& at);
  void warn_of_zone(SystemTime written, SystemTime now);

  CauseTable& causes_;
  Verdicts verdicts_;
  bool advises_;  // no prefixes were chosen: tell which ones might be
  std::size_t advised_on_ = 0;
  bool awaits_chosen_;  // prefixes were, and no line had one yet
  std::uint64_t passed_over_ = 0;
  std::chrono::milliseconds expire_;
  LocalOffset local_;
  SystemTime next_zone_warning_{};
  InterfaceTable interfaces_;
  Metrics& metrics_;
  struct {
    std::uint64_t seen = 0, hints = 0, allowed = 0, unknown = 0, undecodable = 0, expired = 0;
    std::uint64_t causes_left_out = 0, interfaces_left_out = 0;
  } counts_;  // since the last publish()
};

}  // namespace kube_nflog
