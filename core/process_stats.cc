// SPDX-License-Identifier: Apache-2.0
#include "core/process_stats.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

namespace kube_nflog {
namespace {

std::string read_whole(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::uint64_t boot_time() {
  std::ifstream file("/proc/stat");
  std::string name;
  std::uint64_t value = 0;
  for (std::string line; file >> name; std::getline(file, line))
    if (name == "btime" && file >> value) return value;
  return 0;
}

const ProcUnits& units() {  // none of these changes
  static const ProcUnits all{.ticks_per_second = static_cast<double>(::sysconf(_SC_CLK_TCK)),
                             .page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)),
                             .boot_time = boot_time()};
  return all;
}

std::uint64_t count_fds() {
  std::error_code error;
  std::uint64_t count = 0;
  for (std::filesystem::directory_iterator it("/proc/self/fd", error), end; !error && it != end;
       it.increment(error)) {
    ++count;
  }
  return count > 0 ? count - 1 : 0;  // without the one that counts
}

}  // namespace

std::optional<ProcessStats> read_proc_stat(std::string_view text, const ProcUnits& units) {
  // The fields from the third on, as proc(5) numbers them.
  enum : std::size_t {
    kUtime = 14,
    kStime = 15,
    kThreads = 20,
    kStart = 22,
    kVsize = 23,
    kRss = 24
  };
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  text.remove_prefix(name_end + 1);
  std::array<std::uint64_t, kRss + 1> fields{};
  for (std::size_t field = 3; field <= kRss; ++field) {
    const std::size_t begin = text.find_first_not_of(" \n");
    if (begin == std::string_view::npos) return std::nullopt;
    text.remove_prefix(begin);
    // Fields that are no such number, the state and negative ones, are none of ours.
    std::from_chars(text.data(), text.data() + text.size(), fields[field]);
    text.remove_prefix(std::min(text.find(' '), text.size()));
  }
  const auto seconds = [&](std::uint64_t ticks) {
    return static_cast<double>(ticks) / units.ticks_per_second;
  };
  return ProcessStats{
      .cpu_seconds = seconds(fields[kUtime] + fields[kStime]),
      .start_time_seconds = static_cast<double>(units.boot_time) + seconds(fields[kStart]),
      .resident_bytes = fields[kRss] * units.page_bytes,
      .virtual_bytes = fields[kVsize],
      .threads = fields[kThreads]};
}

ProcessStats process_stats() {
  ProcessStats stats =
      read_proc_stat(read_whole("/proc/self/stat"), units()).value_or(ProcessStats());
  stats.open_fds = count_fds();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) stats.max_fds = limit.rlim_cur;
  return stats;
}

}  // namespace kube_nflog
