// SPDX-License-Identifier: Apache-2.0
#include "nflog/file_source.h"

#include <utility>

#include "nflog/log_line.h"

namespace kube_nflog {
namespace {

// In one read(): lines of interest, and buffers that may have none.
constexpr int kMaxLines = 8192;
constexpr int kMaxFills = 32;

}  // namespace

FileSource::FileSource(FileFollower follower, const FileOptions& options, CauseTable& causes,
                       Metrics& metrics)
    : follower_(std::move(follower)), intake_(options.intake, causes, metrics), metrics_(metrics) {
  publish();
}

Result<std::unique_ptr<FileSource>> FileSource::open(const FileOptions& options, CauseTable& causes,
                                                     Metrics& metrics) {
  Result<FileFollower> follower =
      FileFollower::open({.path = options.path, .mark = kLogMark, .wait = options.wait});
  if (!follower) return fail(follower.error());
  return std::unique_ptr<FileSource>(
      new FileSource(std::move(*follower), options, causes, metrics));
}

std::optional<SteadyTime> FileSource::deadline() const {
  return more_ ? SteadyTime{} : follower_.due();
}

Result<> FileSource::read(std::vector<Drop>& out) {
  // Reading starts at the end, so that every line is new.
  const ReadTime at{.now = system_now(), .uptime = steady_now(), .live = true};
  follower_.look(at.uptime);
  more_ = true;
  Result<> result;
  for (int lines = 0, fills = 0; lines < kMaxLines && fills < kMaxFills && more_;) {
    if (const std::optional<std::string_view> line = follower_.next_line()) {
      intake_.take(*line, std::nullopt, at, out);
      ++lines;
      continue;
    }
    const Result<bool> filled = follower_.fill();
    ++fills;
    if (!filled) result = fail(filled.error());
    more_ = filled && *filled;
  }
  intake_.skipped(follower_.take_skipped());
  publish();
  return result;
}

void FileSource::publish() {
  intake_.publish();
  metrics_.log_truncations.add(follower_.take_truncations());
  metrics_.source_active[SourceKind::kFile].set(follower_.has_file() ? 1 : 0);
}

}  // namespace kube_nflog
