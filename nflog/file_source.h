// SPDX-License-Identifier: Apache-2.0
// FileSource: the packets that LOG rules wrote into a growing log file. Opened by open_source, then
// owned by the ingest thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/cause_table.h"
#include "core/error.h"
#include "core/metrics.h"
#include "core/source.h"
#include "nflog/file_follower.h"
#include "nflog/log_intake.h"
#include "nflog/log_start.h"

namespace kube_nflog {

struct FileOptions {
  std::string path;
  LogIntakeOptions intake = {};
  bool wait = false;  // for a file that is not there yet
};

// What is wrong with a log that is mounted itself, not with its directory; empty: it is not, or the
// kernel does not tell (before 5.8).
std::string mount_warning(const std::string& path);

class FileSource : public DropSource {
 public:
  // kNoInput: no such file, or not readable. `causes` and `metrics` must outlive this.
  static Result<std::unique_ptr<FileSource>> open(const FileOptions& options, const LogStart& start,
                                                  CauseTable& causes, Metrics& metrics);

  std::string_view name() const override { return "file"; }
  int fd() const override { return follower_.fd(); }
  std::optional<SteadyTime> deadline() const override;
  // A bounded part of what is there; with more at hand, deadline() says "at once".
  Result<> read(std::vector<Drop>& out) override;
  std::optional<std::string> position() override;
  bool resumed() const override { return resumed_; }

 private:
  FileSource(FileFollower follower, const FileOptions& options, CauseTable& causes,
             Metrics& metrics);
  void publish();

  FileFollower follower_;
  LogIntake intake_;
  Metrics& metrics_;
  bool more_ = false;
  bool resumed_ = false;
  bool live_ = true;  // false: what was written while we were away is not all read yet
};

}  // namespace kube_nflog
