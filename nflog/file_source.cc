// SPDX-License-Identifier: Apache-2.0
#include "nflog/file_source.h"

#include <fcntl.h>
#include <sys/stat.h>

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

std::string mount_warning(const std::string& path) {
  struct statx status {};
  constexpr std::uint64_t kMount = STATX_ATTR_MOUNT_ROOT;
  if (::statx(AT_FDCWD, path.c_str(), 0, 0, &status) != 0) return {};
  if ((status.stx_attributes_mask & status.stx_attributes & kMount) == 0) return {};
  return "The log file " + path +
         " is a mount of its own: once the log is rotated by renaming, it goes on showing the old "
         "file, and nothing that is written then is seen. Mount the directory that the log is in.";
}

FileSource::FileSource(FileFollower follower, const FileOptions& options, CauseTable& causes,
                       Metrics& metrics)
    : follower_(std::move(follower)), intake_(options.intake, causes, metrics), metrics_(metrics) {
  publish();
}

Result<std::unique_ptr<FileSource>> FileSource::open(const FileOptions& options,
                                                     const LogStart& start, CauseTable& causes,
                                                     Metrics& metrics) {
  std::optional<FilePosition> from;
  if (start.position) {
    from = FilePosition::parse(*start.position);
    if (!from) log::warn("The reading position in --state-dir is not one of a log file.");
  }
  Result<FileFollower> follower = FileFollower::open({.path = options.path,
                                                      .mark = kLogMark,
                                                      .from = from,
                                                      .saved = start.kept_at,
                                                      .wait = options.wait});
  if (!follower) return fail(follower.error());
  if (follower->has_file()) {
    log::info("Reading the log file " + options.path +
              (from ? " from where it was." : std::string(" from its end") + start.hint()));
  }
  if (const std::string wrong = mount_warning(options.path); !wrong.empty()) log::warn(wrong);
  std::unique_ptr<FileSource> source(
      new FileSource(std::move(*follower), options, causes, metrics));
  source->resumed_ = from && source->follower_.resumed();
  source->live_ = !from;
  return source;
}

std::optional<SteadyTime> FileSource::deadline() const {
  return more_ ? SteadyTime{} : follower_.due();
}

Result<> FileSource::read(std::vector<Drop>& out) {
  const ReadTime at{.now = system_now(), .uptime = steady_now(), .live = live_};
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

std::optional<std::string> FileSource::position() {
  const std::optional<FilePosition> position = follower_.position();
  if (!position) return std::nullopt;
  return position->to_string();
}

void FileSource::publish() {
  intake_.publish();
  metrics_.log_truncations.add(follower_.take_truncations());
  metrics_.source_active[SourceKind::kFile].set(follower_.has_file() ? 1 : 0);
}

}  // namespace kube_nflog
