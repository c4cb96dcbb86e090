// SPDX-License-Identifier: Apache-2.0
#include "core/workload_series.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace kube_nflog {
namespace {

TEST(WorkloadSeries, CountsByWorkloadAndDirection) {
  WorkloadSeries series(10);
  series.add("shop", "cart", "receiving", 2);
  series.add("shop", "cart", "sending", 1);
  series.add("shop", "cart", "receiving", 3);
  ASSERT_EQ(series.size(), 2u);
  EXPECT_EQ(series.at(0).ns, "shop");
  EXPECT_EQ(series.at(0).workload, "cart");
  EXPECT_EQ(series.at(0).direction, "receiving");
  EXPECT_EQ(series.at(0).drops, 5u);
  EXPECT_EQ(series.at(1).direction, "sending");
  EXPECT_EQ(series.left_out(), 0u);
}

TEST(WorkloadSeries, WhenFullCountsWhatItLeavesOut) {
  WorkloadSeries series(2);
  series.add("a", "b", "receiving", 1);
  series.add("a", "c", "receiving", 1);
  series.add("a", "d", "receiving", 7);
  series.add("a", "b", "receiving", 1);  // still counts
  EXPECT_EQ(series.size(), 2u);
  EXPECT_EQ(series.at(0).drops, 2u);
  EXPECT_EQ(series.left_out(), 7u);
}

TEST(WorkloadSeries, SwitchedOffItCountsNothing) {
  WorkloadSeries series;
  EXPECT_FALSE(series.enabled());
  series.add("a", "b", "receiving", 1);
  EXPECT_EQ(series.size(), 0u);
  EXPECT_EQ(series.left_out(), 0u);
}

TEST(WorkloadSeries, AScrapeReadsWhileItIsFilled) {
  WorkloadSeries series(1'000);
  std::thread scraper([&] {
    while (series.size() < 1'000) {
      for (std::size_t i = 0; i < series.size(); ++i) {
        EXPECT_EQ(series.at(i).workload, std::to_string(i));
      }
    }
  });
  for (int i = 0; i < 1'000; ++i) series.add("ns", std::to_string(i), "sending", 1);
  scraper.join();
}

}  // namespace
}  // namespace kube_nflog
