// SPDX-License-Identifier: Apache-2.0
#include "nflog/journal_source.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "core/log.h"

namespace kube_nflog {
namespace {

constexpr int kMaxEntriesPerRead = 2048;

// Of two, the one that is there, or the earlier.
std::optional<SteadyTime> earlier(std::optional<SteadyTime> a, std::optional<SteadyTime> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

}  // namespace

Result<std::unique_ptr<JournalSource>> JournalSource::open(const std::string& directory,
                                                           const LogIntakeOptions& options,
                                                           Checkpoint checkpoint,
                                                           CauseTable& causes, Metrics& metrics) {
  Result<std::optional<std::string>> kept = checkpoint.load();
  if (!kept) log::warn(kept.error().what);
  std::string cursor = kept ? kept->value_or("") : "";
  Result<std::unique_ptr<JournalReader>> reader = open_journal(directory, cursor);
  if (!reader && !cursor.empty()) {  // the position may be what is wrong
    const std::string why = reader.error().what;
    cursor.clear();
    reader = open_journal(directory, cursor);
    if (reader) log::warn("The reading position kept is not used. " + why);
  }
  if (!reader) return fail(reader.error());
  log::info("Reading the journal" + (directory.empty() ? "" : " in " + directory) +
            (cursor.empty() ? " from its end" : " from the position kept") +
            (checkpoint ? "." : "; --state-dir would let it go on from where it was."));
  return std::make_unique<JournalSource>(std::move(*reader), options, std::move(checkpoint), causes,
                                         metrics);
}

// The place to start from is kept at once: a kill before the first entry must not move it.
JournalSource::JournalSource(std::unique_ptr<JournalReader> reader, const LogIntakeOptions& options,
                             Checkpoint checkpoint, CauseTable& causes, Metrics& metrics)
    : reader_(std::move(reader)),
      intake_(options, causes, metrics),
      checkpoint_(std::move(checkpoint)) {
  if (checkpoint_) checkpoint_.keep(reader_->cursor(), steady_now());
}

JournalSource::~JournalSource() {
  if (!checkpoint_) return;
  if (Result<> stored = checkpoint_.store(reader_->cursor()); !stored)
    log::warn(stored.error().what);
}

std::optional<SteadyTime> JournalSource::deadline() const {
  if (more_) return SteadyTime{};
  return earlier(reader_->deadline(), checkpoint_.deadline());
}

Result<> JournalSource::read(std::vector<Drop>& out) {
  const ReadTime now{.now = system_now()};
  Result<> followed = reader_->follow();
  if (!followed) return followed;
  JournalEntry entry;
  JournalReader::Next next{};
  std::uint64_t skipped = 0;
  for (int i = 0; i < kMaxEntriesPerRead; ++i) {
    next = reader_->next(entry);
    if (next == JournalReader::Next::kEnd) break;
    if (next == JournalReader::Next::kDamaged || entry.message.size() > JournalReader::kMaxMessage)
      ++skipped;
    else
      intake_.take(entry.message, entry.time, now, out);
  }
  more_ = next != JournalReader::Next::kEnd;
  intake_.skipped(skipped);
  intake_.publish();
  if (checkpoint_) checkpoint_.keep(reader_->cursor(), steady_now());
  return {};
}

}  // namespace kube_nflog
