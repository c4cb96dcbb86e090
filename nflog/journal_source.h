// SPDX-License-Identifier: Apache-2.0
// JournalSource: the packets that LOG rules wrote into the kernel's log, as journald has kept it.
// Opened by open_source, then owned by the ingest thread.
#pragma once

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
#include "nflog/journal_reader.h"
#include "nflog/log_intake.h"
#include "nflog/log_start.h"

namespace kube_nflog {

class JournalSource : public DropSource {
 public:
  // Errors are those of open_journal(). `causes` and `metrics` must outlive this.
  static Result<std::unique_ptr<JournalSource>> open(const std::string& directory,
                                                     const LogIntakeOptions& options,
                                                     const LogStart& start, CauseTable& causes,
                                                     Metrics& metrics);
  JournalSource(std::unique_ptr<JournalReader> reader, const LogIntakeOptions& options,
                bool resumed, CauseTable& causes, Metrics& metrics);

  std::string_view name() const override { return "journal"; }
  int fd() const override { return reader_->fd(); }
  std::optional<SteadyTime> deadline() const override;
  // Up to 2,048 entries a call; with more at hand, deadline() says "at once".
  Result<> read(std::vector<Drop>& out) override;
  std::optional<std::string> position() override { return reader_->cursor(); }
  bool resumed() const override { return resumed_; }

 private:
  void count_missed(std::uint64_t records);

  std::unique_ptr<JournalReader> reader_;
  LogIntake intake_;
  Metrics& metrics_;
  bool resumed_;
  bool more_ = true;  // until the first read() has seen the end: no change announces the backlog
};

}  // namespace kube_nflog
