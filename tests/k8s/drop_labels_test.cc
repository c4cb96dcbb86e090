// SPDX-License-Identifier: Apache-2.0
#include "k8s/drop_labels.h"

#include <gtest/gtest.h>

namespace kube_nflog {
namespace {

TEST(DropLabels, ProtocolsAreFew) {
  EXPECT_EQ(drop_protocol(6), DropProtocol::kTcp);
  EXPECT_EQ(drop_protocol(17), DropProtocol::kUdp);
  EXPECT_EQ(drop_protocol(1), DropProtocol::kIcmp);
  EXPECT_EQ(drop_protocol(58), DropProtocol::kIcmp);
  EXPECT_EQ(drop_protocol(132), DropProtocol::kSctp);
  EXPECT_EQ(drop_protocol(47), DropProtocol::kOther);
  EXPECT_EQ(drop_protocol(0), DropProtocol::kOther);
}

TEST(DropLabels, CausesAreByWhatTheRuleTells) {
  for (const char* policy :
       {"denied by NetworkPolicy shop/x", "denied by NetworkPolicy; candidates: a/b",
        "denied in tier default: no policy allows it"}) {
    const Cause cause{policy};
    EXPECT_EQ(drop_cause(&cause), DropCause::kPolicy) << policy;
  }
  for (const char* rule : {"by rule \"denied\"", "logged by rule \"x\""}) {
    const Cause cause{rule};
    EXPECT_EQ(drop_cause(&cause), DropCause::kRule) << rule;
  }
  EXPECT_EQ(drop_cause(nullptr), DropCause::kNone);
}

TEST(DropLabels, DirectionsAreThePods) {
  EXPECT_EQ(drop_way(Direction::kReceiving), DropWay::kReceiving);
  EXPECT_EQ(drop_way(Direction::kSending), DropWay::kSending);
}

}  // namespace
}  // namespace kube_nflog
