// SPDX-License-Identifier: Apache-2.0
// Following the interfaces of a network namespace of its own, on the real kernel. Needs root.
#include "nflog/link_watch.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string>

namespace kube_nflog {
namespace {

// Each in a network namespace with nothing but lo.
class LinkWatchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0 || ::unshare(CLONE_NEWNET) != 0)
      GTEST_SKIP() << "needs root for a network namespace";
  }
};

void ip(const std::string& arguments) {
  EXPECT_EQ(std::system(("ip " + arguments).c_str()), 0) << arguments;
}

struct Watched {
  Metrics metrics;
  InterfaceNames names;
  LinkWatch watch{names, metrics, SteadyTime{}};

  std::string name(std::uint32_t index) {
    const Interfaces* pair = names.of(index, 0);
    return pair == nullptr ? "" : std::string(pair->in.view());
  }
  bool changed() const {
    pollfd fd{watch.fd(), POLLIN, 0};
    return ::poll(&fd, 1, 0) == 1;
  }
  void follow() {
    EXPECT_TRUE(changed());
    while (changed()) watch.follow(SteadyTime{});
  }
};

TEST_F(LinkWatchTest, KnowsWhatIsThereAndFollowsRenamesAndReusedIndexes) {
  ip("link add cali-a index 70 type veth peer name peer-a index 71");
  Watched w;
  EXPECT_EQ(w.name(1), "lo");
  EXPECT_EQ(w.name(70), "cali-a");
  EXPECT_EQ(w.name(71), "peer-a");
  EXPECT_FALSE(w.changed()) << "nothing has, so nobody is woken";

  ip("link set cali-a name cali-b");
  w.follow();
  EXPECT_EQ(w.name(70), "cali-b");
  ip("link delete cali-b");
  w.follow();
  EXPECT_EQ(w.name(70), "");
  ip("link add cali-c index 70 type veth peer name peer-c");
  w.follow();
  EXPECT_EQ(w.name(70), "cali-c");
  ip("link delete cali-c");
  ip("link add cali-d index 70 type bridge");
  w.follow();
  EXPECT_EQ(w.name(70), "cali-d") << "both changes at once";
  EXPECT_EQ(w.metrics.interface_lists.value(), 1u);
}

TEST_F(LinkWatchTest, AnInterfaceThatJoinsAndLeavesABridgeKeepsItsName) {
  ip("link add br0 type bridge");
  ip("link add cali-a index 70 type veth peer name peer-a");
  Watched w;
  ip("link set cali-a master br0");
  ip("link set cali-a nomaster");
  w.follow();
  EXPECT_EQ(w.name(70), "cali-a");
}

TEST_F(LinkWatchTest, ListsAllAnewWhenTheKernelCouldNotKeepEveryChange) {
  ip("link add cali-a index 70 type bridge");
  ip("link add cali-b index 71 type bridge");
  Watched w;
  const std::string many =
      "for i in $(seq 500); do printf 'link set cali-a name x\nlink set x name cali-a\n'; done";
  EXPECT_EQ(std::system((many + " | ip -batch -").c_str()), 0);
  ip("link set cali-a name renamed");  // told to nobody: the buffer is full
  ip("link delete cali-b");
  w.follow();
  EXPECT_EQ(w.name(70), "renamed");
  EXPECT_EQ(w.name(71), "");
  EXPECT_EQ(w.metrics.interface_lists.value(), 2u);
  ip("link set renamed name again");
  w.follow();
  EXPECT_EQ(w.name(70), "again") << "changes are followed as before";
  EXPECT_EQ(w.metrics.interface_lists.value(), 2u);
}

TEST_F(LinkWatchTest, ListsAThousandInterfaces) {
  const std::string many =
      "for i in $(seq 1000); do echo link add cali-$i index $((1000 + i)) type bridge; done";
  EXPECT_EQ(std::system((many + " | ip -batch -").c_str()), 0);
  Watched w;
  EXPECT_EQ(w.names.size(), 1001u);
  EXPECT_EQ(w.name(1001), "cali-1");
  EXPECT_EQ(w.name(2000), "cali-1000");
  EXPECT_EQ(w.metrics.interface_lists.value(), 1u);
}

TEST_F(LinkWatchTest, WithoutASocketThereAreNoNamesUntilALaterTrySucceeds) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  Watched w;
  EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(w.watch.fd(), -1);
  EXPECT_EQ(w.name(1), "");
  ASSERT_EQ(w.watch.deadline(), SteadyTime{} + LinkWatch::kRetry);
  w.watch.follow(*w.watch.deadline() - std::chrono::milliseconds(1));
  EXPECT_EQ(w.name(1), "") << "not yet";
  w.watch.follow(*w.watch.deadline());
  EXPECT_EQ(w.name(1), "lo");
  EXPECT_EQ(w.watch.deadline(), std::nullopt);
}

}  // namespace
}  // namespace kube_nflog
