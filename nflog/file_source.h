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
#include "nflog/interface_table.h"
#include "nflog/verdict.h"

namespace kube_nflog {

struct FileOptions {
  std::string path;
  std::vector<std::string> prefixes;  // empty: those that say drop, deny, block or reject
};

class FileSource : public DropSource {
 public:
  // kNoInput: no such file, or not readable. `causes` and `metrics` must outlive this.
  static Result<std::unique_ptr<FileSource>> open(const FileOptions& options, CauseTable& causes,
                                                  Metrics& metrics);

  std::string_view name() const override { return "file"; }
  int fd() const override { return follower_.fd(); }
  std::optional<SteadyTime> deadline() const override;
  // Up to 8,192 lines a call; with more at hand, deadline() says "at once". A drop's time is now.
  Result<> read(std::vector<Drop>& out) override;

 private:
  FileSource(FileFollower follower, const FileOptions& options, CauseTable& causes,
             Metrics& metrics);
  void take(std::string_view line, SystemTime now, std::vector<Drop>& out);
  Verdict judge(std::string_view prefix);
  void publish();

  FileFollower follower_;
  CauseTable& causes_;
  Verdicts verdicts_;
  bool advises_;  // no prefixes were chosen: tell which ones might be
  std::size_t advised_on_ = 0;
  InterfaceTable interfaces_;
  Metrics& metrics_;
  bool more_ = false;
  struct {
    std::uint64_t seen = 0, hints = 0, allowed = 0, unknown = 0, undecodable = 0;
    std::uint64_t causes_left_out = 0, interfaces_left_out = 0;
  } counts_;  // since the last publish()
};

}  // namespace kube_nflog
