// SPDX-License-Identifier: Apache-2.0
#include "nflog/file_source.h"

#include <utility>

#include "core/log.h"
#include "nflog/file_position.h"
#include "nflog/log_line.h"

namespace kube_nflog {
namespace {

// In one read(): lines of interest, and buffers that may have none.
constexpr int kMaxLines = 8192;
constexpr int kMaxFills = 32;

}  // namespace

FileSource::FileSource(FileFollower follower, const FileOptions& options, Checkpoint checkpoint,
                       CauseTable& causes, Metrics& metrics)
    : follower_(std::move(follower)),
      intake_(options.intake, causes, metrics),
      checkpoint_(std::move(checkpoint)),
      metrics_(metrics) {
  publish();
}

// What was read has been told by now: the threads have ended.
FileSource::~FileSource() {
  const std::optional<FilePosition> position = follower_.position();
  if (!checkpoint_ || !position) return;
  if (Result<> stored = checkpoint_.store(position->to_string()); !stored)
    log::warn(stored.error().what);
}

Result<std::unique_ptr<FileSource>> FileSource::open(const FileOptions& options,
                                                     Checkpoint checkpoint, CauseTable& causes,
                                                     Metrics& metrics) {
  const Result<std::optional<std::string>> kept = checkpoint.load();
  if (!kept) log::warn(kept.error().what);
  std::optional<FilePosition> from;
  if (kept && *kept) {
    from = FilePosition::parse(**kept);
    if (!from) log::warn("The reading position in --state-dir is not one of a log file.");
  }
  Result<FileFollower> follower = FileFollower::open(
      {.path = options.path, .mark = kLogMark, .from = from, .wait = options.wait});
  if (!follower) return fail(follower.error());
  if (follower->has_file()) {
    const char* const hint =
        checkpoint ? "." : "; --state-dir would let it go on from where it was.";
    log::info("Reading the log file " + options.path +
              (from ? " from where it was." : std::string(" from its end") + hint));
  }
  std::unique_ptr<FileSource> source(
      new FileSource(std::move(*follower), options, std::move(checkpoint), causes, metrics));
  source->live_ = !from;
  return source;
}

std::optional<SteadyTime> FileSource::deadline() const {
  return more_ ? SteadyTime{} : follower_.due();
}

Result<> FileSource::read(std::vector<Drop>& out) {
  const ReadTime at{.now = system_now(), .uptime = steady_now(), .live = live_};
  // What was read before, since that has reached the queue or the fold.
  if (checkpoint_) {
    if (const auto position = follower_.position())
      checkpoint_.keep(position->to_string(), at.uptime);
  }
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
  if (!more_) live_ = true;
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
