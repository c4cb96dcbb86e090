// SPDX-License-Identifier: Apache-2.0
// The small vocabulary: addresses, the queue, backoff, causes, file descriptors, noise.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <utility>

#include "core/backoff.h"
#include "core/bounded_queue.h"
#include "core/cause_table.h"
#include "core/heartbeat.h"
#include "core/ip.h"
#include "core/noise.h"
#include "core/unique_fd.h"

namespace kube_nflog {
namespace {

IpAddr ip(const char* text) { return IpAddr::parse(text).value(); }

TEST(IpAddr, ReadsAndWritesBothFamilies) {
  EXPECT_EQ(ip("10.1.2.3").to_string(), "10.1.2.3");
  EXPECT_EQ(ip("2001:0db8:0000:0000:0000:0000:0000:0007").to_string(), "2001:db8::7");
  EXPECT_TRUE(ip("10.1.2.3").is_v4());
  EXPECT_NE(ip("::1"), ip("0.0.0.1"));
  EXPECT_EQ(IpAddr().to_string(), "");
  for (const char* bad : {"", "10.1.2", "10.1.2.3 ", "fe80::1%eth0", "[::1]", "10.1.2.3:80", "::g"})
    EXPECT_FALSE(IpAddr::parse(bad).has_value()) << bad;
  EXPECT_FALSE(IpAddr::parse(std::string_view("10.1.2.3\0x", 10)).has_value());
  EXPECT_FALSE(IpAddr::parse(std::string(4096, '1')).has_value());
}

TEST(IpAddr, KnowsTheSpecialOnes) {
  EXPECT_TRUE(ip("224.0.0.251").is_multicast());
  EXPECT_TRUE(ip("ff02::1").is_multicast());
  EXPECT_FALSE(ip("fe80::1").is_multicast());
  EXPECT_TRUE(ip("255.255.255.255").is_limited_broadcast());
  EXPECT_FALSE(ip("10.255.255.255").is_limited_broadcast());
  EXPECT_TRUE(ip("127.0.0.2").is_loopback());
  EXPECT_TRUE(ip("::1").is_loopback());
  EXPECT_FALSE(ip("::2").is_loopback());
  EXPECT_TRUE(ip("0.0.0.0").is_unspecified());
  EXPECT_TRUE(ip("::").is_unspecified());
  EXPECT_FALSE(IpAddr().is_unspecified());
}

TEST(BoundedQueue, RefusesWhenFullAndKeepsTheOrder) {
  BoundedQueue<int> queue(2);
  EXPECT_TRUE(queue.push(1));
  EXPECT_TRUE(queue.push(2));
  EXPECT_FALSE(queue.push(3));
  int got = 0;
  EXPECT_TRUE(queue.pop(got));
  EXPECT_EQ(got, 1);
  EXPECT_TRUE(queue.push(4));
  EXPECT_TRUE(queue.pop(got));
  EXPECT_TRUE(queue.pop(got));
  EXPECT_EQ(got, 4);
  EXPECT_FALSE(queue.pop(got));
  EXPECT_EQ(queue.size(), 0u);
}

TEST(BoundedQueue, CarriesAllBetweenTwoThreads) {
  constexpr int kItems = 200'000;
  BoundedQueue<int> queue(64);
  std::thread producer([&] {
    for (int i = 1; i <= kItems; ++i)
      while (!queue.push(i)) std::this_thread::yield();
  });
  int expected = 1;
  while (expected <= kItems) {
    int got = 0;
    if (queue.pop(got)) {
      ASSERT_EQ(got, expected);
      ++expected;
    } else {
      std::this_thread::yield();
    }
  }
  producer.join();
}

TEST(Backoff, DoublesToTheMaximumAndJittersOverAllOfIt) {
  using std::chrono::milliseconds;
  const BackoffLimits limits{milliseconds(100), milliseconds(1000)};
  EXPECT_EQ(next_delay(limits, 0, 0.5), milliseconds(50));
  EXPECT_EQ(next_delay(limits, 1, 0.5), milliseconds(100));
  EXPECT_EQ(next_delay(limits, 3, 0.5), milliseconds(400));
  EXPECT_EQ(next_delay(limits, 4, 0.5), milliseconds(500));
  EXPECT_EQ(next_delay(limits, 4'000'000, 0.999), milliseconds(999)) << "no overflow";
  EXPECT_EQ(next_delay(limits, 4, 0.0), milliseconds(0));
}

TEST(CauseTable, GivesOneAddressAClauseAndBoundsThem) {
  CauseTable table(3);
  EXPECT_EQ(table.intern(""), nullptr);
  const Cause* a = table.intern("by rule \"a\"");
  EXPECT_EQ(table.intern(std::string("by rule \"a\"")), a);
  for (int i = 0; i < 100; ++i) table.intern("by rule \"" + std::to_string(i) + "\"");
  EXPECT_EQ(table.size(), 4u);
  EXPECT_EQ(table.intern("yet another")->clause, CauseTable::kOverflow);
  EXPECT_EQ(table.intern("by rule \"a\""), a);
  EXPECT_EQ(a->clause, "by rule \"a\"");
}

TEST(Heartbeat, IsLateOnlyWhenALoopThatBeatStopped) {
  const SteadyTime start{std::chrono::hours(1)};
  Heartbeat heartbeat;
  EXPECT_FALSE(heartbeat.is_late(start)) << "not begun";
  heartbeat.beat(start);
  EXPECT_FALSE(heartbeat.is_late(start + std::chrono::seconds(60)));
  EXPECT_TRUE(heartbeat.is_late(start + std::chrono::seconds(61)));
  heartbeat.beat(start + std::chrono::seconds(61));
  EXPECT_FALSE(heartbeat.is_late(start + std::chrono::seconds(62)));
}

TEST(UniqueFd, ClosesOnceAndTheOldOneOnMove) {
  const auto open_null = [] { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); };
  const auto is_open = [](int fd) { return ::fcntl(fd, F_GETFD) >= 0; };
  const int first = open_null(), second = open_null();
  {
    UniqueFd a(first), b(second);
    a = std::move(b);
    EXPECT_FALSE(is_open(first));
    EXPECT_EQ(a.get(), second);
    UniqueFd& self = a;
    a = std::move(self);
    EXPECT_TRUE(is_open(second)) << "self-move keeps it";
  }
  EXPECT_FALSE(is_open(second));
}

Drop udp(const char* src, std::uint16_t sport, const char* dst, std::uint16_t dport) {
  Drop d;
  d.key.src = ip(src);
  d.key.dst = ip(dst);
  d.key.protocol = 17;
  d.key.detail = dport;
  d.key.detail_kind = Detail::kPort;
  d.src_port = sport;
  return d;
}

TEST(Noise, SetsAsideWhatNoAppOwnerShouldHearUnlessAskedFor) {
  Drop broken = udp("10.0.0.1", 4000, "10.0.0.2", 80);
  broken.mid_stream = true;
  Drop netbios = udp("10.42.0.7", 137, "10.42.0.255", 137);  // its subnet's own broadcast address
  netbios.link_broadcast = true;
  const struct {
    Drop drop;
    Why why;
    bool NoiseOptions::*report;
  } cases[] = {
      {udp("0.0.0.0", 68, "255.255.255.255", 67), Why::kDhcp, &NoiseOptions::report_dhcp},
      {udp("fe80::1", 546, "ff02::1:2", 547), Why::kDhcp, &NoiseOptions::report_dhcp},
      {udp("10.0.0.1", 5353, "224.0.0.251", 5353), Why::kMdns, &NoiseOptions::report_mdns},
      {udp("10.0.0.1", 1900, "239.255.255.250", 1900), Why::kMulticast,
       &NoiseOptions::report_multicast},
      {udp("10.0.0.1", 137, "255.255.255.255", 137), Why::kBroadcast,
       &NoiseOptions::report_broadcast},
      {netbios, Why::kBroadcast, &NoiseOptions::report_broadcast},
      {broken, Why::kMidStream, &NoiseOptions::report_mid_stream},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(noise(c.drop, {}), c.why);
    NoiseOptions asked;
    asked.*c.report = true;
    EXPECT_EQ(noise(c.drop, asked), std::nullopt);
  }
  EXPECT_EQ(noise(udp("10.0.0.1", 4000, "10.0.0.2", 67), {}), std::nullopt);
  EXPECT_EQ(noise(udp("10.0.0.1", 4000, "10.0.0.2", 5353), {}), std::nullopt);
}

// There is no such thing, so a frame to everybody that holds it is not what it claims to be.
TEST(Noise, NeitherTcpNorIpv6IsBroadcast) {
  Drop tcp = udp("10.42.0.7", 4000, "10.42.0.9", 22), six = udp("fd00::1", 4000, "fd00::2", 53);
  EXPECT_EQ(noise(tcp, {}), std::nullopt);
  tcp.key.protocol = 6;
  tcp.link_broadcast = six.link_broadcast = true;
  EXPECT_EQ(noise(tcp, {}), std::nullopt);
  EXPECT_EQ(noise(six, {}), std::nullopt);
}

TEST(Noise, IgnoresTheRangesOfTheOperatorAtEitherEnd) {
  NoiseOptions options;
  options.ignore = {Cidr::parse("10.9.0.0/16").value(), Cidr::parse("fd00::/63").value()};
  EXPECT_EQ(noise(udp("10.9.1.1", 1, "10.0.0.2", 53), options), Why::kIgnored);
  EXPECT_EQ(noise(udp("10.0.0.2", 1, "10.9.255.255", 53), options), Why::kIgnored);
  EXPECT_EQ(noise(udp("10.10.0.1", 1, "10.0.0.2", 53), options), std::nullopt);
  EXPECT_EQ(noise(udp("fd00:0:0:1::5", 1, "fe80::1", 53), options), Why::kIgnored);
  EXPECT_EQ(noise(udp("fd00:0:0:2::5", 1, "fe80::1", 53), options), std::nullopt);
}

TEST(Cidr, ReadsRangesAndRefusesSlips) {
  for (const char* good : {"0.0.0.0/0", "10.0.0.0/8", "10.1.2.3/32", "::/0", "fd00::/63"})
    EXPECT_EQ(Cidr::parse(good).value().to_string(), good);
  EXPECT_EQ(Cidr::parse("10.1.2.3").value().to_string(), "10.1.2.3/32");
  for (const char* bad : {"", "/8", "10.0.0.1/8", "10.0.0.0/33", "::/129", "10.0.0.0/",
                          "10.0.0.0/8x", "10.0.0.0/-1", "fd00::1/64"})
    EXPECT_FALSE(Cidr::parse(bad).has_value()) << bad;
  EXPECT_FALSE(Cidr::parse("0.0.0.0/0")->contains(IpAddr::parse("::1").value()));
  EXPECT_FALSE(Cidr::parse("0.0.0.0/0")->contains(IpAddr()));
  EXPECT_FALSE(Cidr::parse("::/0")->contains(IpAddr()));
}

}  // namespace
}  // namespace kube_nflog
