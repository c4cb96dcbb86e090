// SPDX-License-Identifier: Apache-2.0
// KmsgSource: the packets that LOG rules wrote into the kernel's log, read from /dev/kmsg, where no
// log daemon is needed. Opened by open_source, then owned by the ingest thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/cause_table.h"
#include "core/error.h"
#include "core/metrics.h"
#include "core/source.h"
#include "core/unique_fd.h"
#include "nflog/kmsg_position.h"
#include "nflog/log_intake.h"
#include "nflog/log_start.h"

namespace kube_nflog {

// The log is a ring of fixed size. What was overwritten before we read it is known by the gap in
// the records' numbers, as records of whatever kind: lost{kmsg_overrun}.
class KmsgSource : public DropSource {
 public:
  // kNoPermission, kUnavailable: no such device. Opening alone needs CAP_SYSLOG
  // (kernel/printk/printk.c, devkmsg_open). `causes` and `metrics` must outlive this.
  static Result<std::unique_ptr<KmsgSource>> open(const LogIntakeOptions& options,
                                                  const LogStart& start, CauseTable& causes,
                                                  Metrics& metrics);

  struct Start {
    std::uint64_t next;     // the first record to be taken
    SystemTime not_before;  // records were logged after this
    bool resumed = false;   // that is where an earlier process came to
  };
  // `device` does not block and gives one record a read(2), not later than start.next.
  KmsgSource(UniqueFd device, std::string boot_id, const Start& start,
             const LogIntakeOptions& options, CauseTable& causes, Metrics& metrics);

  std::string_view name() const override { return "kmsg"; }
  int fd() const override { return device_.get(); }
  // Up to 4,096 records a call.
  Result<> read(std::vector<Drop>& out) override;
  std::optional<std::string> position() override { return kmsg_position(boot_id_, next_); }
  bool resumed() const override { return resumed_; }

 private:
  void take(std::span<char> bytes, const ReadTime& at, std::vector<Drop>& out);
  void count_lost();

  UniqueFd device_;
  std::string boot_id_;
  std::uint64_t next_;  // the record that comes next
  SystemTime not_before_;
  bool resumed_;
  std::uint64_t lost_ = 0;  // in this read()
  LogIntake intake_;
  Metrics& metrics_;
  std::array<char, 8192> buffer_;  // as much as the kernel makes of one (CONSOLE_EXT_LOG_MAX)
};

}  // namespace kube_nflog
