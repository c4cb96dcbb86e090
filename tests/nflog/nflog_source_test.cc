// SPDX-License-Identifier: Apache-2.0
// Binding on the real kernel, in a network namespace of its own. Needs root; without, it says so
// and skips. Traffic is tests/netns' part.
#include "nflog/nflog_source.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

#include "nflog/group_holder.h"
#include "nflog/privileges.h"
#include "tests/nflog/child.h"

namespace kube_nflog {
namespace {

using test::in_child;

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
  Metrics metrics{std::vector<std::uint16_t>{1, 2, 3, 100, 101}};
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
  EXPECT_GE(metrics.nflog_rcvbuf_bytes.value(), 8 << 20);
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

TEST_F(NflogSourceTest, ABusyGroupNamesItsHolder) {
  const auto holder = open({100});
  ASSERT_TRUE(holder);
  const auto second = open({101, 100});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().exit, Exit::kBusy);
  EXPECT_NE(second.error().what.find("NFLOG group 100 is already held by " + own_name()),
            std::string::npos)
      << second.error().what;
  EXPECT_FALSE(find_group_holder(101)) << "all or none: the first group must be free again";
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

TEST_F(NflogSourceTest, CalicosGroupsAreRefusedBeforeTheKernelIsAsked) {
  for (const std::uint16_t group : std::initializer_list<std::uint16_t>{1, 2, 3}) {
    const auto source = open({100, group});
    ASSERT_FALSE(source);
    EXPECT_EQ(source.error().exit, Exit::kUsage);
    EXPECT_NE(source.error().what.find("Calico"), std::string::npos);
  }
  EXPECT_FALSE(find_group_holder(100));
}

TEST_F(NflogSourceTest, CapabilitiesAreGoneForGood) {
  EXPECT_TRUE(in_child([] {
    if (!drop_capabilities(Keep::kNothing)) return false;
    constexpr char kNo[] = "0000000000000000";
    return status_line("CapEff") == kNo && status_line("CapPrm") == kNo &&
           status_line("CapInh") == kNo && status_line("CapBnd") == kNo &&
           status_line("CapAmb") == kNo && status_line("NoNewPrivs") == "1";
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
