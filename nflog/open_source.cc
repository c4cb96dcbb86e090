// SPDX-License-Identifier: Apache-2.0
#include "nflog/open_source.h"

#include <string>
#include <utility>

#include "core/log.h"
#include "nflog/file_source.h"
#include "nflog/nflog_source.h"

namespace kube_nflog {
namespace {

using Opened = Result<OpenedSource>;

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
  metrics.source_active[SourceKind::kNflog].set(1);
  const Keep keep = (*source)->waits_for_groups() ? Keep::kNetAdmin : Keep::kNothing;
  return OpenedSource{std::move(*source), keep};
}

Opened open_file(const Options& options, CauseTable& causes, Metrics& metrics) {
  auto source =
      FileSource::open({.path = options.log_file,
                        .intake = {.prefixes = options.log_prefixes, .expire = options.expire}},
                       causes, metrics);
  if (!source) return fail(source.error());
  log::info("Reading the log file " + options.log_file + " from its end.");
  metrics.source_active[SourceKind::kFile].set(1);
  return OpenedSource{std::move(*source), Keep::kReadFiles};
}

Opened open_best(const Options& options, CauseTable& causes, Metrics& metrics) {
  Opened nflog = open_nflog(options, causes, metrics);
  if (nflog) return nflog;
  if (options.log_file.empty()) {
    return fail(nflog.error().what +
                    " There is no log file to fall back on either: --log-file is not given.",
                nflog.error().exit, nflog.error().code);
  }
  Opened file = open_file(options, causes, metrics);
  if (file) {
    log::warn("Reading the log file instead of NFLOG. " + nflog.error().what);
    return file;
  }
  return fail(nflog.error().what + " Nor can the log file be read instead. " + file.error().what,
              nflog.error().exit, nflog.error().code);
}

}  // namespace

Opened open_source(const Options& options, CauseTable& causes, Metrics& metrics) {
  switch (options.source) {
    case SourceChoice::kNflog:
      return open_nflog(options, causes, metrics);
    case SourceChoice::kFile:
      return open_file(options, causes, metrics);
    case SourceChoice::kAuto:
      break;
  }
  return open_best(options, causes, metrics);
}

}  // namespace kube_nflog
