// SPDX-License-Identifier: Apache-2.0
// Opens the source that the command line asks for. Called by main().
#pragma once

#include <memory>

#include "core/cause_table.h"
#include "core/error.h"
#include "core/metrics.h"
#include "core/options.h"
#include "core/source.h"
#include "nflog/privileges.h"

namespace kube_nflog {

struct OpenedSource {
  std::unique_ptr<DropSource> source;
  Keep keep = Keep::kNothing;  // what the thread that reads it still needs
};

// With --source=auto: NFLOG, else the log file, and the log says why. If neither can be had, the
// error gives both reasons and NFLOG's exit code. Sets metrics.source_active. `causes` and
// `metrics` must outlive the source.
Result<OpenedSource> open_source(const Options& options, CauseTable& causes, Metrics& metrics);

}  // namespace kube_nflog
