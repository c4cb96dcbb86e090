// SPDX-License-Identifier: Apache-2.0
// Reading /dev/kmsg, with a socket in its place that gives one record a read(2), too. The device
// itself: tests/netns/kmsg_source.sh.
#include "nflog/kmsg_source.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <string>
#include <vector>

namespace kube_nflog {
namespace {

using std::chrono::microseconds;

std::string udp(int port) {
  return "my-drop: IN=a OUT=b SRC=10.0.0.1 DST=10.0.0.2 LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=1 "
         "PROTO=UDP SPT=40000 DPT=" +
         std::to_string(port) + " LEN=40 ";
}

// Now, by printk's clock, or so long ago: not longer than a machine may be up.
microseconds uptime(microseconds ago = {}) {
  return std::chrono::duration_cast<microseconds>(steady_now().time_since_epoch()) - ago;
}

class KmsgSourceTest : public ::testing::Test {
 protected:
  void start(std::uint64_t next, SystemTime not_before = {}) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    log = UniqueFd(ends[0]);
    source = std::make_unique<KmsgSource>(UniqueFd(ends[1]), "boot",
                                          KmsgSource::Start{.next = next, .not_before = not_before},
                                          options, causes, metrics);
  }
  bool write(const std::string& record) const {
    return ::send(log.get(), record.data(), record.size(), 0) ==
           static_cast<ssize_t>(record.size());
  }
  void write(std::uint64_t sequence, const std::string& message, microseconds time = uptime(),
             int priority = 4) const {
    ASSERT_TRUE(write(std::to_string(priority) + "," + std::to_string(sequence) + "," +
                      std::to_string(time.count()) + ",-;" + message + "\n"));
  }
  std::vector<Drop> read() {
    std::vector<Drop> drops;
    pollfd p{source->fd(), POLLIN, 0};
    do EXPECT_TRUE(source->read(drops));
    while (::poll(&p, 1, 0) == 1);
    return drops;
  }
  std::string ports() {
    std::string text;
    for (const Drop& drop : read()) text += std::to_string(drop.key.detail) + " ";
    return text;
  }
  std::uint64_t lost() const { return metrics.lost[Where::kKmsgOverrun].value(); }

  LogIntakeOptions options;
  Metrics metrics;
  CauseTable causes;
  UniqueFd log;
  std::unique_ptr<KmsgSource> source;
};

TEST_F(KmsgSourceTest, MakesDropsOfTheKernelsLinesAlone) {
  start(7);
  write(7, udp(53));
  write(8, "eth0: link becomes ready");
  write(9, udp(54), uptime(), 12);  // a process that poses as the kernel
  write(10, udp(55));
  EXPECT_EQ(ports(), "53 55 ");
  EXPECT_EQ(metrics.seen.value(), 2u);
  EXPECT_EQ(lost(), 0u);
  EXPECT_EQ(ports(), "");
}

TEST_F(KmsgSourceTest, GapsInTheNumbersAreLostAndWereNeverSeen) {
  start(7);
  write(9, udp(53));  // 7 and 8 were overwritten
  write(10, udp(54));
  EXPECT_EQ(ports(), "53 54 ");
  EXPECT_EQ(lost(), 2u);
  write(111, "something else");
  EXPECT_EQ(ports(), "");
  EXPECT_EQ(lost(), 102u);
  EXPECT_EQ(metrics.pending(), 2) << "the two that were seen";
}

TEST_F(KmsgSourceTest, ARecordThatIsNoneIsMissingInTheNumbers) {
  start(0);
  ASSERT_TRUE(write("not,a,record"));
  write(1, udp(53));
  EXPECT_EQ(ports(), "53 ");
  EXPECT_EQ(lost(), 1u);
}

TEST_F(KmsgSourceTest, WhatAnEarlierProcessReadIsNotToldAgain) {
  start(9);
  write(7, udp(53));
  write(8, udp(54));
  write(9, udp(55));
  EXPECT_EQ(ports(), "55 ");
  EXPECT_EQ(metrics.seen.value(), 1u);
  EXPECT_EQ(lost(), 0u);
}

TEST_F(KmsgSourceTest, ItsPositionIsTheNextRecord) {
  start(7);
  EXPECT_EQ(source->position(), "boot 7");
  write(7, udp(53));
  write(8, "something else");
  EXPECT_EQ(ports(), "53 ");
  EXPECT_EQ(source->position(), "boot 9");
}

TEST_F(KmsgSourceTest, RecordsFromBeforeTheStartAreDatedByTheKernelsClock) {
  start(7);
  write(7, udp(53), uptime(std::chrono::seconds(30)));
  const SystemTime before = system_now();
  const std::vector<Drop> drops = read();
  ASSERT_EQ(drops.size(), 1u);
  EXPECT_NEAR(static_cast<double>((before - drops[0].time).count()), 30e6, 5e6);
  source.reset();
  options.expire = std::chrono::seconds(20);
  start(8);
  write(8, udp(53), uptime(std::chrono::seconds(30)));
  EXPECT_EQ(ports(), "");
  EXPECT_EQ(metrics.lost[Where::kExpired].value(), 1u);
}

TEST_F(KmsgSourceTest, ARecordIsNotOlderThanTheLastTimeThatAllWasReadNorOfTheFuture) {
  start(7);
  const SystemTime before = system_now();
  EXPECT_EQ(ports(), "");  // all is read
  write(7, udp(53),
        uptime(std::chrono::seconds(30)));  // a clock that is behind, or has stood still
  write(8, udp(54), uptime(-std::chrono::seconds(30)));
  const std::vector<Drop> drops = read();
  ASSERT_EQ(drops.size(), 2u);
  EXPECT_GE(drops[0].time, before);
  EXPECT_GE(drops[1].time, drops[0].time);
  EXPECT_LE(drops[1].time, system_now());
}

TEST_F(KmsgSourceTest, AFloodIsReadInPieces) {
  start(0);
  std::size_t written = 0;
  const int room = 64 << 20;
  ::setsockopt(log.get(), SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
  const std::string rest = "," + std::to_string(uptime().count()) + ",-;" + udp(53) + "\n";
  while (written < 10'000 && write("4," + std::to_string(written) + rest)) ++written;
  if (written <= 4'096) GTEST_SKIP() << "a bigger socket buffer needs root";
  std::vector<Drop> drops;
  ASSERT_TRUE(source->read(drops));
  EXPECT_EQ(drops.size(), 4'096u);
  EXPECT_EQ(drops.size() + read().size(), written);
  EXPECT_EQ(lost(), 0u);
}

TEST_F(KmsgSourceTest, ADeviceThatEndsIsAnErrorAndNotSilence) {
  start(7);
  log = UniqueFd();
  std::vector<Drop> drops;
  const Result<> result = source->read(drops);
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().what.find("/dev/kmsg: it has ended"), std::string::npos);
}

}  // namespace
}  // namespace kube_nflog
