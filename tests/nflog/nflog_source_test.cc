// SPDX-License-Identifier: Apache-2.0
// Binding on the real kernel, in a network namespace of its own. Needs root; without, it says so
// and skips. Traffic is tests/netns' part.
#include "nflog/nflog_source.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

#include "nflog/group_holder.h"
#include "nflog/message.h"
#include "nflog/privileges.h"
#include "tests/nflog/child.h"

namespace kube_nflog {
namespace {

using test::in_child;
using namespace std::chrono_literals;

std::string own_name() {
  std::string name;
  std::getline(std::ifstream("/proc/self/comm") >> std::ws, name);
  return name + " (pid " + std::to_string(::getpid()) + ")";
}

std::string status_line(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key + ":"))
      return line.substr(line.find_first_not_of(" \t", key.size() + 1));
  }
  return {};
}

constexpr char kNone[] = "0000000000000000";
constexpr char kNetAdminOnly[] = "0000000000001000";
constexpr std::array<std::uint16_t, 2> kGroups{100, 101};

void send_udp_to_discard(int packets) {
  const UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(9);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (int i = 0; i < packets; ++i)
    ::sendto(fd.get(), "", 0, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
}

class NflogSourceTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (status_line("CapEff").empty() || ::geteuid() != 0 || ::unshare(CLONE_NEWNET) != 0) return;
    ready_ = true;
  }
  void SetUp() override {
    if (!ready_) GTEST_SKIP() << "needs root for a network namespace";
  }
  Result<std::unique_ptr<NflogSource>> open(std::vector<std::uint16_t> groups) {
    return NflogSource::open({.groups = std::move(groups)}, causes, metrics);
  }
  static inline bool ready_ = false;
  Metrics metrics{kGroups};
  CauseTable causes;
};

TEST_F(NflogSourceTest, BindsWithTheValuesThatWeChose) {
  const auto source = open({100, 101});
  ASSERT_TRUE(source) << source.error().what;
  std::ifstream table("/proc/net/netfilter/nfnetlink_log");
  std::stringstream text;
  text << table.rdbuf();
  for (unsigned group : {100U, 101U}) {
    // group, port, queued, copy mode (2 packet), copy range, time-out in 1/100 s, references
    std::istringstream rows(text.str());
    unsigned number = 0, port = 0, queued = 0, mode = 0, range = 0, timeout = 0, references = 0;
    while (rows >> number >> port >> queued >> mode >> range >> timeout >> references) {
      if (number == group) break;
    }
    EXPECT_EQ(number, group) << text.str();
    EXPECT_EQ(mode, 2u);
    EXPECT_EQ(range, 256u);
    EXPECT_EQ(timeout, 1u);
  }
  EXPECT_GE(metrics.nflog_rcvbuf_bytes.value(), 32 << 20);
}

TEST_F(NflogSourceTest, TheSameGroupTwiceIsOnce) { EXPECT_TRUE(open({100, 100})); }

TEST_F(NflogSourceTest, ReadingWithNothingThereIsNoError) {
  const auto source = open({100});
  ASSERT_TRUE(source);
  std::vector<Drop> out;
  EXPECT_TRUE((*source)->read(out));
  EXPECT_TRUE(out.empty());
  EXPECT_EQ((*source)->deadline(), std::nullopt);
}

TEST_F(NflogSourceTest, WhenAllAreHeldItNamesTheHolder) {
  const auto holder = open({100, 101});
  ASSERT_TRUE(holder);
  const auto second = open({101, 100});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().exit, Exit::kBusy);
  EXPECT_NE(second.error().what.find("NFLOG group 101 is already held by " + own_name()),
            std::string::npos)
      << second.error().what;
  EXPECT_NE(second.error().what.find("--wait-for-group"), std::string::npos);
}

TEST_F(NflogSourceTest, OneHeldGroupDoesNotStopTheOthers) {
  auto holder = open({100});
  ASSERT_TRUE(holder);
  Metrics own{kGroups};
  const auto source = NflogSource::open({.groups = {101, 100}}, causes, own);
  ASSERT_TRUE(source);
  EXPECT_TRUE((*source)->waits_for_groups());
  EXPECT_EQ(own.nflog_group_bound.at(101).value(), 1);
  EXPECT_EQ(own.nflog_group_bound.at(100).value(), 0);
  ASSERT_TRUE((*source)->deadline());
  EXPECT_GT(*(*source)->deadline(), steady_now());
}

TEST_F(NflogSourceTest, AHeldGroupIsBoundOnceItIsFree) {
  EXPECT_TRUE(in_child([&] {  // for it gives up the capabilities of this thread
    auto holder = open({100});
    Metrics own{kGroups};
    const auto source = NflogSource::open({.groups = {100}, .wait_for_group = true}, causes, own);
    if (!holder || !source || own.nflog_group_bound.at(100).value() != 0) return false;
    if (!drop_capabilities(Keep::kNetAdmin) || status_line("CapEff") != kNetAdminOnly) return false;
    std::vector<Drop> out;
    const auto read_when_due = [&] {
      std::this_thread::sleep_until(*(*source)->deadline());
      return static_cast<bool>((*source)->read(out));
    };
    if (!read_when_due() || own.nflog_group_bound.at(100).value() != 0) return false;
    holder->reset();
    if (!read_when_due() || own.nflog_group_bound.at(100).value() != 1) return false;
    return own.nflog_group_rebinds.value() == 1 && !(*source)->waits_for_groups() &&
           !(*source)->deadline() && status_line("CapEff") == kNone &&
           status_line("CapPrm") == kNone;
  }));
}

// Group 100 on a socket of its own, and a rule that logs to it.
class LoggedTest : public NflogSourceTest {
 protected:
  void SetUp() override {
    NflogSourceTest::SetUp();
    if (IsSkipped()) return;
    ASSERT_EQ(std::system("ip link set lo up && nft add table inet t && "
                          "nft 'add chain inet t out { type filter hook output priority 0; }' && "
                          "nft add rule inet t out udp dport 9 log group 100"),
              0);
  }
  void TearDown() override {
    if (IsSkipped()) return;
    EXPECT_EQ(std::system("nft delete table inet t"), 0);
  }
  void bind(std::uint32_t rcvbuf_bytes, const GroupConfig& config = {}) {
    auto opened = NetlinkSocket::open(rcvbuf_bytes);
    ASSERT_TRUE(opened);
    socket.emplace(std::move(*opened));
    GroupBinder binder({100}, config, metrics);
    ASSERT_TRUE(binder.start(*socket, early, false, steady_now()));
  }
  // The sequence numbers of what arrives within half a second of silence.
  std::vector<std::uint32_t> received() {
    std::vector<std::uint32_t> numbers;
    for (SteadyTime until = steady_now() + 500ms; steady_now() < until;) {
      const auto datagram = socket->receive();
      EXPECT_TRUE(datagram);
      if (!datagram || !*datagram) continue;
      until = steady_now() + 500ms;
      DatagramReader reader(**datagram);
      while (reader.next() == DatagramReader::Item::kRecord)
        numbers.push_back(reader.record().seq.value_or(UINT32_MAX));
    }
    return numbers;
  }

  std::optional<NetlinkSocket> socket;
  GroupBinder::Early early;
};

// This is what tells the loss, so the kernel's refusal of another flag must not cost it.
TEST_F(LoggedTest, RecordsAreNumberedWhetherOrNotTheKernelTellsConnections) {
  bind(1 << 20);
  send_udp_to_discard(3);
  EXPECT_EQ(received(), (std::vector<std::uint32_t>{0, 1, 2}));
}

TEST_F(LoggedTest, TheSocketTellsItsDropsBeforeAnyGapShows) {
  constexpr int kPackets = 2'000;
  bind(64 << 10, {.queue_threshold = 1});  // a datagram for each record, so that both counts agree
  send_udp_to_discard(kPackets);
  const std::uint32_t dropped = socket->dropped_datagrams().value_or(0);
  EXPECT_GT(dropped, 0u);
  EXPECT_EQ(received().size() + dropped, std::size_t{kPackets});

  send_udp_to_discard(1);
  const std::vector<std::uint32_t> next = received();
  ASSERT_EQ(next.size(), 1u);
  EXPECT_EQ(next[0], std::uint32_t{kPackets}) << "the lost ones were numbered, too";
  EXPECT_EQ(socket->dropped_datagrams(), dropped);
}

TEST_F(LoggedTest, ALossIsCountedBeforeAnyGapShowsAndThenByGroup) {
  constexpr int kPackets = 2'000;
  const auto source = NflogSource::open(
      {.groups = {100, 101}, .rcvbuf_bytes = 64 << 10, .config = {.queue_threshold = 1}}, causes,
      metrics);
  ASSERT_TRUE(source);
  send_udp_to_discard(kPackets);
  std::vector<Drop> out;
  const auto read_all = [&] {
    for (std::uint64_t before = UINT64_MAX; std::exchange(before, metrics.seen.value()) != before;)
      ASSERT_TRUE((*source)->read(out));
  };
  read_all();
  const std::uint64_t dropped = metrics.nflog_datagrams_dropped.value();
  EXPECT_GT(dropped, 0u);
  EXPECT_EQ(metrics.seen.value() + dropped, std::uint64_t{kPackets});
  EXPECT_EQ(metrics.lost[Where::kNetlinkOverrun].value(), 0u);

  send_udp_to_discard(1);
  read_all();
  EXPECT_EQ(metrics.nflog_lost.at(100).value(), dropped);
  EXPECT_EQ(metrics.nflog_lost.at(101).value(), 0u);
  EXPECT_EQ(metrics.lost[Where::kNetlinkOverrun].value(), dropped);
  EXPECT_EQ(metrics.nflog_datagrams_dropped.value(), dropped);
}

TEST_F(NflogSourceTest, AFreedGroupCanBeTakenAtOnce) {
  { ASSERT_TRUE(open({100})); }
  EXPECT_TRUE(open({100}));
}

TEST_F(NflogSourceTest, WithoutNetAdminItSaysWhatIsMissing) {
  EXPECT_TRUE(in_child([&] {
    if (!drop_capabilities(Keep::kNothing)) return false;
    const auto source = open({100});
    return !source && source.error().exit == Exit::kNoPermission &&
           source.error().what.find("NET_ADMIN") != std::string::npos;
  }));
}

TEST_F(NflogSourceTest, ReadsWithoutAnyCapability) {
  EXPECT_TRUE(in_child([&] {
    const auto source = open({100});
    std::vector<Drop> out;
    return source && drop_capabilities(Keep::kNothing) && (*source)->read(out);
  }));
}

TEST_F(NflogSourceTest, CapabilitiesAreGoneForGood) {
  EXPECT_TRUE(in_child([] {
    if (!drop_capabilities(Keep::kNothing)) return false;
    return status_line("CapEff") == kNone && status_line("CapPrm") == kNone &&
           status_line("CapInh") == kNone && status_line("CapBnd") == kNone &&
           status_line("CapAmb") == kNone && status_line("NoNewPrivs") == "1";
  }));
}

TEST_F(NflogSourceTest, WhoWaitsForAGroupKeepsNetAdminAlone) {
  EXPECT_TRUE(in_child([] {
    return drop_capabilities(Keep::kNetAdmin) && status_line("CapEff") == kNetAdminOnly &&
           status_line("CapPrm") == kNetAdminOnly && status_line("CapInh") == kNone &&
           status_line("CapBnd") == kNone && status_line("CapAmb") == kNone;
  }));
}

TEST_F(NflogSourceTest, ALogReaderMayKeepReadingFiles) {
  EXPECT_TRUE(in_child([] {
    constexpr char kDacReadSearch[] = "0000000000000004";
    return drop_capabilities(Keep::kReadFiles) && status_line("CapEff") == kDacReadSearch &&
           status_line("CapPrm") == kDacReadSearch;
  }));
}

}  // namespace
}  // namespace kube_nflog
