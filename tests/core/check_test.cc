// SPDX-License-Identifier: Apache-2.0
#include "core/check.h"

#include <gtest/gtest.h>

namespace kube_nflog {
namespace {

TEST(Check, PrintsAlignedLinesOneAFinding) {
  Findings findings;
  findings.ok("kernel", "Linux 6.1.0");
  findings.info("rules", "none");
  findings.warn("clock", "is 40 s behind");
  findings.fail("group 100", "held");
  EXPECT_EQ(print(findings, false),
            "ok    kernel     Linux 6.1.0\n"
            "info  rules      none\n"
            "warn  clock      is 40 s behind\n"
            "FAIL  group 100  held\n");
  EXPECT_EQ(print({}, false), "");
}

TEST(Check, ColoursTheGradeAlone) {
  Findings findings;
  findings.fail("x", "y");
  EXPECT_EQ(print(findings, true), "\x1b[31mFAIL\x1b[0m  x  y\n");
}

TEST(Check, NoTextForgesALineOrDrivesATerminal) {
  Findings findings;
  findings.info("rules", "a\nok    kernel  b\x1b[2Jc\x7f");
  EXPECT_EQ(print(findings, false), "info  rules  a ok    kernel  b [2Jc \n");
}

TEST(Check, OnlyAFailureIsOne) {
  Findings findings;
  findings.ok("a", "");
  findings.info("b", "");
  findings.warn("c", "");
  EXPECT_FALSE(findings.any_failed());
  Findings more;
  more.fail("d", "");
  findings.add(more);
  EXPECT_TRUE(findings.any_failed());
}

TEST(Check, WhatSomethingElseStandsInForIsAWarning) {
  Findings findings;
  findings.ok("a", "");
  findings.fail("b", "");
  findings.soften();
  EXPECT_FALSE(findings.any_failed());
  EXPECT_EQ(findings.all()[0].grade, Grade::kOk);
  EXPECT_EQ(findings.all()[1].grade, Grade::kWarn);
}

}  // namespace
}  // namespace kube_nflog
