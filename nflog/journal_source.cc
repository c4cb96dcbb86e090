// SPDX-License-Identifier: Apache-2.0
#include "nflog/journal_source.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

#include "core/log.h"
#include "nflog/text.h"

namespace kube_nflog {
namespace {

constexpr int kMaxEntriesPerRead = 2048;

// Of journald's `Missed 12 kernel messages` (src/journal/journald-kmsg.c, dev_kmsg_record).
std::uint64_t missed(std::string_view message) {
  constexpr std::string_view kBefore = "Missed ";
  if (!message.starts_with(kBefore)) return 0;
  message.remove_prefix(kBefore.size());
  return number<std::uint64_t>(message.substr(0, message.find(' '))).value_or(0);
}

}  // namespace

Result<std::unique_ptr<JournalSource>> JournalSource::open(const std::string& directory,
                                                           const LogIntakeOptions& options,
                                                           const LogStart& start,
                                                           CauseTable& causes, Metrics& metrics) {
  std::string cursor = start.position.value_or("");
  Result<std::unique_ptr<JournalReader>> reader = open_journal(directory, cursor);
  if (!reader && !cursor.empty()) {  // the position may be what is wrong
    const std::string why = reader.error().what;
    cursor.clear();
    reader = open_journal(directory, cursor);
    if (reader) log::warn("The reading position kept is not used. " + why);
  }
  if (!reader) return fail(reader.error());
  log::info("Reading the journal" + (directory.empty() ? "" : " in " + directory) +
            (cursor.empty() ? " from its end" : " from the position kept") + start.hint());
  return std::make_unique<JournalSource>(std::move(*reader), options, !cursor.empty(), causes,
                                         metrics);
}

JournalSource::JournalSource(std::unique_ptr<JournalReader> reader, const LogIntakeOptions& options,
                             bool resumed, CauseTable& causes, Metrics& metrics)
    : reader_(std::move(reader)),
      intake_(options, causes, metrics),
      metrics_(metrics),
      resumed_(resumed) {}

std::optional<SteadyTime> JournalSource::deadline() const {
  if (more_) return SteadyTime{};
  return reader_->deadline();
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
    if (next == JournalReader::Next::kMissed) {
      count_missed(missed(entry.message));
      continue;
    }
    if (next == JournalReader::Next::kDamaged || entry.message.size() > JournalReader::kMaxMessage)
      ++skipped;
    else
      intake_.take(entry.message, entry.time, now, out);
  }
  more_ = next != JournalReader::Next::kEnd;
  intake_.skipped(skipped);
  intake_.publish();
  return {};
}

void JournalSource::count_missed(std::uint64_t records) {
  metrics_.lost[Where::kKmsgOverrun].add(records);
  log::warn_every(std::chrono::seconds(60), "journal_missed",
                  "journald says that it has missed " + std::to_string(records) +
                      " messages of the kernel, of dropped packets or of anything else: let rules "
                      "log less (-m limit), or boot with a larger log_buf_len.");
}

}  // namespace kube_nflog
