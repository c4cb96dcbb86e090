// SPDX-License-Identifier: Apache-2.0
#include "nflog/group_config.h"

#include <gtest/gtest.h>

#include "tests/nflog/bytes.h"

namespace kube_nflog {
namespace {

// Written out from linux/netlink.h and nfnetlink_log.h by hand: netlink's own headers in the host's
// order (here little-endian), the values in the network's.
TEST(GroupConfig, OneRequestBindsAndSetsEverything) {
  const test::Buffer expected = test::hex(
      "48000000 0104 0500 07000000 00000000"  // length 72, CONFIG, REQUEST|ACK, number 7, to the
                                              // kernel
      "00 00 0064"                            // AF_UNSPEC, version 0, group 100
      "0500 0100 01000000"                    // CMD: BIND, and never PF_BIND (3) or PF_UNBIND (4)
      "0a00 0200 00000100 02 00 0000"         // MODE: 256 bytes, COPY_PACKET
      "0800 0300 0000fe00"                    // NLBUFSIZ 65,024
      "0800 0400 00000001"                    // TIMEOUT 10 ms
      "0800 0500 00000080"                    // QTHRESH 128
      "0600 0600 0005 0000");                 // FLAGS: SEQ, CONNTRACK
  EXPECT_EQ(bind_request(100, GroupConfig{}, 7), expected);
}

TEST(GroupConfig, EveryValueIsTheOneAskedFor) {
  const GroupConfig config{.copy_range = 0x1234,
                           .queue_threshold = 1,
                           .buffer_bytes = 0x20000,
                           .timeout_centiseconds = 9,
                           .conntrack = false};
  const test::Buffer expected = test::hex(
      "48000000 0104 0500 01000000 00000000 00 00 ffff 0500 0100 01000000"
      "0a00 0200 00001234 02 00 0000 0800 0300 00020000 0800 0400 00000009 0800 0500 00000001"
      "0600 0600 0001 0000");
  EXPECT_EQ(bind_request(65535, config, 1), expected);
}

}  // namespace
}  // namespace kube_nflog
