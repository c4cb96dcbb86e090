// SPDX-License-Identifier: Apache-2.0
#include "nflog/file_source.h"

#include <utility>

namespace kube_nflog {
namespace {

constexpr int kMaxLinesPerRead = 8192;

}  // namespace

FileSource::FileSource(FileFollower follower, const FileOptions& options, CauseTable& causes,
                       Metrics& metrics)
    : follower_(std::move(follower)), intake_(options.intake, causes, metrics) {}

Result<std::unique_ptr<FileSource>> FileSource::open(const FileOptions& options, CauseTable& causes,
                                                     Metrics& metrics) {
  Result<FileFollower> follower = FileFollower::open(options.path);
  if (!follower) return fail(follower.error());
  return std::unique_ptr<FileSource>(
      new FileSource(std::move(*follower), options, causes, metrics));
}

std::optional<SteadyTime> FileSource::deadline() const {
  return more_ ? std::optional(SteadyTime{}) : std::nullopt;
}

Result<> FileSource::read(std::vector<Drop>& out) {
  // Reading starts at the end, so that every line is new.
  const ReadTime at{.now = system_now(), .uptime = steady_now(), .live = true};
  follower_.acknowledge();
  more_ = true;
  Result<> result;
  for (int i = 0; i < kMaxLinesPerRead && more_; ++i) {
    const Result<std::optional<std::string_view>> line = follower_.next_line();
    if (!line) result = fail(line.error());
    more_ = line && line->has_value();
    if (more_) intake_.take(**line, std::nullopt, at, out);
  }
  intake_.skipped(follower_.take_overlong());
  intake_.publish();
  return result;
}

}  // namespace kube_nflog
