// SPDX-License-Identifier: Apache-2.0
#include "nflog/loss.h"

#include <gtest/gtest.h>

namespace kube_nflog {
namespace {

TEST(SeqGap, CountsWhatIsMissing) {
  SeqGap gap;
  EXPECT_EQ(gap.see(0), 0u);
  EXPECT_EQ(gap.see(1), 0u);
  EXPECT_EQ(gap.see(5), 3u);
  EXPECT_EQ(gap.see(6), 0u);
}

TEST(SeqGap, TheFirstRecordTellsOfThoseBeforeIt) {
  SeqGap gap;
  EXPECT_EQ(gap.see(7), 7u);
}

TEST(SeqGap, SurvivesTheWrapAround) {
  SeqGap gap;
  gap.see(0x7fff'ffff);
  gap.see(0xffff'fffd);
  EXPECT_EQ(gap.see(0xffff'fffe), 0u);
  EXPECT_EQ(gap.see(1), 2u);  // 0xffffffff and 0
  EXPECT_EQ(gap.see(2), 0u);
}

TEST(SeqGap, AStepBackIsNoLoss) {
  SeqGap gap;
  gap.see(1000);
  EXPECT_EQ(gap.see(0), 0u);
  EXPECT_EQ(gap.see(2), 1u);
}

}  // namespace
}  // namespace kube_nflog
