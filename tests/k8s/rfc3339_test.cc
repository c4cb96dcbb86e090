// SPDX-License-Identifier: Apache-2.0
#include "k8s/rfc3339.h"

#include <gtest/gtest.h>

namespace kube_nflog {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

TEST(Rfc3339, WritesSecondsAndZ) {
  EXPECT_EQ(to_rfc3339(SystemTime(seconds(1'709'251'199) + microseconds(999'999))),
            "2024-02-29T23:59:59Z");
  EXPECT_EQ(to_rfc3339(SystemTime(seconds(-1))), "1970-01-01T00:00:00Z");
  EXPECT_EQ(to_rfc3339(SystemTime::max()), "9999-12-31T23:59:59Z");
}

TEST(Rfc3339, ReadsWhatTheServerWrites) {
  EXPECT_EQ(parse_rfc3339("2024-02-29T23:59:59Z"), SystemTime(seconds(1'709'251'199)));
  EXPECT_EQ(parse_rfc3339("2024-02-29T23:59:59.123456Z"), SystemTime(seconds(1'709'251'199)));
}

TEST(Rfc3339, RefusesTheRest) {
  for (const char* bad : {"", "2024", "2023-02-29T00:00:00Z", "2024-02-29T24:00:00Z",
                          "2024-02-29T23:59:59", "2024-02-29T23:59:59.Z", "2024-02-29 23:59:59Z",
                          "2024-02-29T23:59:59Zx", "2024-02-29T23:59:59.1", "+024-02-29T23:59:59Z",
                          "2024-00-01T00:00:00Z", "2024-02-29T23:59:59.12x"}) {
    EXPECT_FALSE(parse_rfc3339(bad)) << bad;
  }
}

}  // namespace
}  // namespace kube_nflog
