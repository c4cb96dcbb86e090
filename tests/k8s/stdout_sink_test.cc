// SPDX-License-Identifier: Apache-2.0
#include "k8s/stdout_sink.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>

#include "core/unique_fd.h"
#include "k8s/text_format.h"
#include "tests/k8s/make.h"

namespace kube_nflog {
namespace {

using make::wall;

std::string read_until_end(int fd) {
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t n; (n = ::read(fd, buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return text;
}

class StdoutSinkTest : public testing::Test {
 protected:
  StdoutSinkTest() {
    std::array<int, 2> fds{};
    EXPECT_EQ(::pipe2(fds.data(), O_CLOEXEC), 0);
    reader = UniqueFd(fds[0]);
    writer = UniqueFd(fds[1]);
    EventSubject s;
    s.pod = {"shop", "web", "uid-web"};
    s.message = "Packet dropped when receiving traffic from 10.0.0.1.";
    s.key = 0xabc;
    subject = std::make_shared<const EventSubject>(s);
    record.total = 5;
    record.first = wall();
    record.last = wall(10);
  }
  std::string read_all() {
    writer = {};
    return read_until_end(reader.get());
  }
  Result<> write(StdoutSink& sink) {
    return sink.write({subject, record}, [this](const EventWrite& w, const WriteOutcome& outcome) {
      record = w.record;
      written = outcome.verdict == WriteOutcome::Verdict::kWritten;
    });
  }

  UniqueFd reader, writer;
  Metrics metrics;
  EventAuthor author{"PacketDrop", "kube-nflog", "node-1"};
  std::shared_ptr<const EventSubject> subject;
  EventRecord record;
  bool written = false;
};

TEST_F(StdoutSinkTest, PrintsWhatWouldBePosted) {
  StdoutSink sink(writer.get(), StdoutFormat::kJson, author, metrics);
  const std::string first = event_body(*subject, record, author);
  ASSERT_TRUE(write(sink));
  EXPECT_TRUE(written);
  record.total = 9;
  ASSERT_TRUE(write(sink));
  EXPECT_EQ(read_all(), first + '\n' + event_body(*subject, record, author) + '\n');
  EXPECT_EQ(metrics.events_written.at(ApiVerb::kCreate, ApiCode::k2xx).value(), 1U);
  EXPECT_EQ(metrics.events_written.at(ApiVerb::kPatch, ApiCode::k2xx).value(), 1U);
}

TEST_F(StdoutSinkTest, PrintsATableForPeople) {
  StdoutSink sink(writer.get(), StdoutFormat::kText, author, metrics);
  ASSERT_TRUE(write(sink));
  ASSERT_TRUE(write(sink));
  const std::string row =
      "2026-08-22T10:01:12Z        5  shop/web                              "
      "Packet dropped when receiving traffic from 10.0.0.1.\n";
  EXPECT_EQ(
      read_all(),
      "LAST SEEN               COUNT  POD                                   MESSAGE\n" + row + row);
}

TEST_F(StdoutSinkTest, AReaderThatHasGoneIsAnError) {
  ::signal(SIGPIPE, SIG_IGN);
  reader = {};
  StdoutSink sink(writer.get(), StdoutFormat::kJson, author, metrics);
  const Result<> result = write(sink);
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().what.find("has gone"), std::string::npos);
  EXPECT_FALSE(written);
}

TEST_F(StdoutSinkTest, AFullDiskIsAnError) {
  const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  StdoutSink sink(full.get(), StdoutFormat::kJson, author, metrics);
  const Result<> result = write(sink);
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().what.find("disk full"), std::string::npos);
}

// As `kube-nflog | less` that was left alone.
TEST_F(StdoutSinkTest, AReaderThatHasStalledHoldsUpNoExit) {
  StdoutSink sink(writer.get(), StdoutFormat::kJson, author, metrics);
  Result<> result;
  std::thread deliver([&] {
    while (result) result = write(sink);
  });
  pollfd room{.fd = writer.get(), .events = POLLOUT, .revents = 0};
  while (::poll(&room, 1, 0) != 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  sink.hurry();
  deliver.join();  // or this test takes for ever
  EXPECT_NE(result.error().what.find("Nobody reads our standard output"), std::string::npos);
}

TEST_F(StdoutSinkTest, ASlowReaderLosesNothing) {
  ASSERT_EQ(::fcntl(writer.get(), F_SETFL, O_NONBLOCK), 0);
  StdoutSink sink(writer.get(), StdoutFormat::kJson, author, metrics);
  std::string text;
  std::thread slow([&] { text = read_until_end(reader.get()); });
  std::size_t bytes = 0;
  for (int i = 0; i < 2000; ++i) {
    bytes += event_body(*subject, record, author).size() + 1;
    ASSERT_TRUE(write(sink));
  }
  writer = {};
  slow.join();
  EXPECT_EQ(text.size(), bytes);
}

}  // namespace
}  // namespace kube_nflog
