// SPDX-License-Identifier: Apache-2.0
// What this process costs, from /proc/self: for the process_* metrics, which every Prometheus
// client has and prometheus-cpp lacks. Used by core/metrics.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace kube_nflog {

struct ProcessStats {
  double cpu_seconds = 0;
  double start_time_seconds = 0;  // since 1970
  std::uint64_t resident_bytes = 0, virtual_bytes = 0;
  std::uint64_t threads = 0;
  std::uint64_t open_fds = 0, max_fds = 0;
};

// As of now; what cannot be read stays 0.
ProcessStats process_stats();

// What the kernel gives in units of its own (proc(5)).
struct ProcUnits {
  double ticks_per_second = 100;
  std::uint64_t page_bytes = 4096;
  std::uint64_t boot_time = 0;  // seconds since 1970: btime of /proc/stat
};
// Pure. From the text of /proc/PID/stat, whose second field may hold any characters. Nothing: it is
// not such a text.
std::optional<ProcessStats> read_proc_stat(std::string_view text, const ProcUnits& units);

}  // namespace kube_nflog
