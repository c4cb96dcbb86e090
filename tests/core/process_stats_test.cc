// SPDX-License-Identifier: Apache-2.0
#include "core/process_stats.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <ctime>

#include "core/unique_fd.h"

namespace kube_nflog {
namespace {

TEST(ProcessStats, ReadsProcStatWhateverTheProcessIsCalled) {
  const auto stats = read_proc_stat(
      "77 (a ) b (c) S 1 2 3 0 -1 4194560 5 6 7 8 250 50 9 10 20 0 3 0 1000 123456 42 184467\n",
      {.ticks_per_second = 100, .page_bytes = 4096, .boot_time = 1'000'000});
  ASSERT_TRUE(stats);
  EXPECT_DOUBLE_EQ(stats->cpu_seconds, 3.0);
  EXPECT_DOUBLE_EQ(stats->start_time_seconds, 1'000'010.0);
  EXPECT_EQ(stats->threads, 3u);
  EXPECT_EQ(stats->virtual_bytes, 123'456u);
  EXPECT_EQ(stats->resident_bytes, 42u * 4096);
}

TEST(ProcessStats, OtherTextIsNone) {
  EXPECT_FALSE(read_proc_stat("", {}));
  EXPECT_FALSE(read_proc_stat("1 (x) S 1 2 3", {}));
  EXPECT_FALSE(read_proc_stat("no parentheses", {}));
}

TEST(ProcessStats, AreThoseOfThisProcess) {
  const ProcessStats before = process_stats();
  EXPECT_GT(before.resident_bytes, 1U << 20);
  EXPECT_GE(before.virtual_bytes, before.resident_bytes);
  EXPECT_GE(before.threads, 1u);
  EXPECT_GE(before.max_fds, before.open_fds);
  const double now = static_cast<double>(std::time(nullptr));
  EXPECT_LE(before.start_time_seconds, now + 2);
  EXPECT_GT(before.start_time_seconds, now - 3'600);
  const UniqueFd one_more(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(process_stats().open_fds, before.open_fds + 1);
  volatile unsigned work = 0;
  const std::clock_t begin = std::clock();
  while (std::clock() - begin < CLOCKS_PER_SEC / 20) work = work + 1;
  EXPECT_GT(process_stats().cpu_seconds, before.cpu_seconds);
}

}  // namespace
}  // namespace kube_nflog
