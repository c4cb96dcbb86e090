// SPDX-License-Identifier: Apache-2.0
#include "nflog/open_source.h"

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "core/log.h"
#include "nflog/file_source.h"
#include "nflog/group_holder.h"
#include "nflog/journal_source.h"
#include "nflog/kmsg_source.h"
#include "nflog/log_start.h"
#include "nflog/nflog_source.h"
#include "nflog/rule_survey.h"
#include "nflog/ruleset.h"

namespace kube_nflog {
namespace {

using Opened = Result<OpenedSource>;

// What --source=auto would have read next; empty: nothing was named.
std::string unread_log(const Options& options) {
  if (!options.journal_dir.empty()) return " --journal-dir is not read: --source=journal would.";
  if (!options.log_file.empty()) return " --log-file is not read: --source=file would.";
  return {};
}

// That a group is bound says nothing of whether anybody logs to it, and a node where nobody does
// looks like one without drops. To be asked while NET_ADMIN is held. The start neither waits for it
// nor takes much memory: what cannot be known so is not said.
void tell_if_no_rule_logs(const Options& options) {
  constexpr auto kLongest = std::chrono::milliseconds(250);
  constexpr std::size_t kLargest = 8U << 20;
  RuleSurvey survey;
  if (!read_ruleset(survey, {.until = steady_now() + kLongest, .table_bytes = kLargest})) return;
  const std::string silence = survey.silence(options.nflog_groups, [](std::uint16_t group) {
    const auto port = find_holder_port(group);  // whose it is would take a walk through /proc
    return port ? "netlink port id " + std::to_string(*port) : std::string();
  });
  if (silence.empty()) return;
  if (options.source == SourceChoice::kAuto)
    log::warn(silence + unread_log(options));
  else
    log::info(silence);
}

Opened open_nflog(const Options& options, CauseTable& causes, Metrics& metrics) {
  auto source = NflogSource::open({.groups = options.nflog_groups,
                                   .rcvbuf_bytes = options.nflog_rcvbuf_bytes,
                                   .wait_for_group = options.wait_for_group},
                                  causes, metrics);
  if (!source) return fail(source.error());
  std::string groups;
  for (const auto& [group, bound] : metrics.nflog_group_bound)
    if (bound.value() == 1) groups += ' ' + std::to_string(group);
  log::info("Reading NFLOG group" + (groups.empty() ? " (none yet)" : groups) + ", socket buffer " +
            std::to_string(metrics.nflog_rcvbuf_bytes.value()) + " bytes.");
  tell_if_no_rule_logs(options);
  metrics.source_active[SourceKind::kNflog].set(1);
  const Keep keep = (*source)->waits_for_groups() ? Keep::kNetAdmin : Keep::kNothing;
  return OpenedSource{std::move(*source), keep};
}

// What --state-dir holds for a source.
struct State {
  std::optional<StateFile> file{};
  std::optional<StoredState> stored{};

  LogStart start() const {
    LogStart start{.is_kept = file.has_value()};
    if (stored) {
      start.position = stored->position;
      start.kept_at = stored->stored_at;
    }
    return start;
  }
  OpenedSource opened(std::unique_ptr<DropSource> source, Keep keep) && {
    return {std::move(source), keep, std::move(file), std::move(stored)};
  }
};

Result<State> open_state(const std::string& directory, std::string_view source) {
  State state;
  if (directory.empty()) return state;
  Result<StateFile> file = StateFile::open(directory, source);
  if (!file) return fail(file.error());
  Result<std::optional<StoredState>> stored = file->load();
  if (stored)
    state.stored = std::move(*stored);
  else
    log::warn(stored.error().what);
  state.file = std::move(*file);
  return state;
}

LogIntakeOptions intake_options(const Options& options) {
  return {.prefixes = {.whole = options.log_prefixes, .word = options.log_word},
          .expire = options.expire};
}

Opened open_file(const Options& options, CauseTable& causes, Metrics& metrics) {
  Result<State> state = open_state(options.state_dir, "file");
  if (!state) return fail(state.error());
  auto source = FileSource::open({.path = options.log_file,
                                  .intake = intake_options(options),
                                  .wait = options.source == SourceChoice::kFile},
                                 state->start(), causes, metrics);
  if (!source) return fail(source.error());
  return std::move(*state).opened(std::move(*source), Keep::kReadFiles);
}

Opened open_kmsg(const Options& options, CauseTable& causes, Metrics& metrics) {
  Result<State> state = open_state(options.state_dir, "kmsg");
  if (!state) return fail(state.error());
  auto source = KmsgSource::open(intake_options(options), state->start(), causes, metrics);
  if (!source) return fail(source.error());
  metrics.source_active[SourceKind::kKmsg].set(1);
  return std::move(*state).opened(std::move(*source), Keep::kNothing);
}

Opened open_journal_source(const Options& options, CauseTable& causes, Metrics& metrics) {
  Result<State> state = open_state(options.state_dir, "journal");
  if (!state) return fail(state.error());
  auto source = JournalSource::open(options.journal_dir, intake_options(options), state->start(),
                                    causes, metrics);
  if (!source) return fail(source.error());
  metrics.source_active[SourceKind::kJournal].set(1);
  return std::move(*state).opened(std::move(*source), Keep::kReadFiles);
}

Opened open_best(const Options& options, CauseTable& causes, Metrics& metrics) {
  const auto open_given_file = [&]() -> Opened {
    if (!options.log_file.empty()) return open_file(options, causes, metrics);
    return fail("There is no log file to fall back on: --log-file is not given.", Exit::kUsage);
  };
  std::vector<Candidate> candidates{
      {"NFLOG", [&] { return open_nflog(options, causes, metrics); }},
      {"the log file", open_given_file},
      {"the kernel log", [&] { return open_kmsg(options, causes, metrics); }}};
  if (!options.journal_dir.empty()) {
    candidates[1] = {"the journal", [&] { return open_journal_source(options, causes, metrics); }};
  }
  return open_first(candidates);
}

}  // namespace

Opened open_first(std::span<const Candidate> candidates) {
  std::optional<Error> failed;
  for (const Candidate& candidate : candidates) {
    Opened opened = candidate.open();
    if (opened && failed) {
      log::warn("Reading " + candidate.name + " instead of " + candidates.front().name +
                ": what is logged there alone is not seen. " + failed->what);
    }
    if (opened) return opened;
    if (failed)
      failed->what += " " + opened.error().what;
    else
      failed = opened.error();
  }
  return fail(failed.value_or(Error{"There is no source to read.", Exit::kUsage}));
}

Opened open_source(const Options& options, CauseTable& causes, Metrics& metrics) {
  switch (options.source) {
    case SourceChoice::kNflog:
      return open_nflog(options, causes, metrics);
    case SourceChoice::kFile:
      return open_file(options, causes, metrics);
    case SourceChoice::kKmsg:
      return open_kmsg(options, causes, metrics);
    case SourceChoice::kJournal:
      return open_journal_source(options, causes, metrics);
    case SourceChoice::kAuto:
      break;
  }
  return open_best(options, causes, metrics);
}

}  // namespace kube_nflog
