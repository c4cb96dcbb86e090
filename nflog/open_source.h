// SPDX-License-Identifier: Apache-2.0
// Opens the source that the command line asks for. Called by main().
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "core/cause_table.h"
#include "core/error.h"
#include "core/metrics.h"
#include "core/options.h"
#include "core/source.h"
#include "core/state_file.h"
#include "nflog/privileges.h"

namespace kube_nflog {

struct OpenedSource {
  std::unique_ptr<DropSource> source;
  Keep keep = Keep::kNothing;  // what the thread that reads it still needs
  // With --state-dir, of a source that has positions: what an earlier process left, if it did.
  std::optional<StateFile> file{};
  std::optional<StoredState> stored{};
};

// With --source=auto: the first of open_first() below. Sets metrics.source_active. `causes` and
// `metrics` must outlive the source.
Result<OpenedSource> open_source(const Options& options, CauseTable& causes, Metrics& metrics);

// A source that --source=auto may take, for open_first() and its tests.
struct Candidate {
  std::string name;  // "the log file"
  std::function<Result<OpenedSource>()> open;
};

// The first that opens; the log then says why those before could not be had, and what to do. If
// none opens, the error gives every reason and the exit code of the first.
Result<OpenedSource> open_first(std::span<const Candidate> candidates);

}  // namespace kube_nflog
