// SPDX-License-Identifier: Apache-2.0
#include "core/running_flags.h"

#include <gtest/gtest.h>

namespace kube_nflog {
namespace {

using namespace std::string_view_literals;
using Words = std::vector<std::string>;

TEST(RunningFlags, AreWhatFollowsTheProgramsName) {
  constexpr std::string_view kLine =
      "/usr/bin/kube-nflog\0--listen=127.0.0.1:9478\0--log-file=\0"sv;
  EXPECT_EQ(flags_in(kLine), (Words{"--listen=127.0.0.1:9478", "--log-file="}));
  EXPECT_EQ(flags_in("x\0"sv), Words());
  EXPECT_EQ(flags_in(""), Words());
}

TEST(RunningFlags, AnotherFirstProcessHasNone) {
  EXPECT_EQ(flags_of_the_running_agent(), Words());  // pid 1 of the test's machine
}

}  // namespace
}  // namespace kube_nflog
