// SPDX-License-Identifier: Apache-2.0
#include "nflog/file_source.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace kube_nflog {
namespace {

namespace fs = std::filesystem;

std::string udp(int port, const std::string& prefix = "my-drop: ") {
  return "Nov  3 16:23:17 node-1 kernel: [ 1.0] " + prefix +
         "IN=a OUT=b SRC=10.0.0.1 DST=10.0.0.2 LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=1 PROTO=UDP "
         "SPT=40000 DPT=" +
         std::to_string(port) + " LEN=40 ";
}

class FileSourceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "file_source_XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory = name;
    path = directory / "iptables.log";
    append(path, udp(1) + "\n");  // from before the start
  }
  void TearDown() override { fs::remove_all(directory); }

  static void append(const fs::path& file, const std::string& text) {
    std::ofstream(file, std::ios::app | std::ios::binary) << text;
  }
  void start(std::vector<std::string> prefixes = {}) {
    auto opened =
        FileSource::open({.path = path, .intake = {.prefixes = {.whole = std::move(prefixes)}}},
                         {.is_kept = true, .position = kept}, causes, metrics);
    ASSERT_TRUE(opened) << opened.error().what;
    source = std::move(*opened);
  }
  bool announced() {
    pollfd p{source->fd(), POLLIN, 0};
    return ::poll(&p, 1, 0) == 1;
  }
  bool due() { return source->deadline().value() <= steady_now(); }
  // The ports of all drops that fd() and deadline() lead to, as the ingest thread would come by
  // them.
  std::string ports() {
    std::vector<Drop> drops;
    while (announced() || due()) EXPECT_TRUE(source->read(drops));
    appended += drops.size();
    EXPECT_EQ(metrics.seen.value(), appended + metrics.suppressed[Why::kHint].value() +
                                        metrics.suppressed[Why::kAllowed].value() +
                                        metrics.suppressed[Why::kUnknownPrefix].value() +
                                        metrics.lost[Where::kUndecodable].value());
    std::string text;
    for (const Drop& drop : drops) text += std::to_string(drop.key.detail) + " ";
    return text;
  }
  std::uint64_t undecodable() { return metrics.lost[Where::kUndecodable].value(); }

  void stop() {  // as an agent that keeps the position
    kept = source->position();
    source.reset();
  }

  fs::path directory, path;
  std::optional<std::string> kept;  // of an earlier process
  Metrics metrics;
  CauseTable causes;
  std::unique_ptr<FileSource> source;
  std::size_t appended = 0;
};

TEST_F(FileSourceTest, ReadsWhatIsAppendedAndNothingFromBefore) {
  start();
  EXPECT_EQ(ports(), "");
  append(path, udp(53) + "\n" + udp(54) + "\n");
  EXPECT_EQ(ports(), "53 54 ");
  EXPECT_EQ(ports(), "");
  append(path, udp(55) + "\n");
  EXPECT_EQ(ports(), "55 ");
}

TEST_F(FileSourceTest, MakesADropOfALine) {
  start();
  append(path, udp(53) + "\n");
  const SystemTime before = system_now();
  std::vector<Drop> drops;
  ASSERT_TRUE(source->read(drops));
  ASSERT_EQ(drops.size(), 1u);
  EXPECT_EQ(drops[0].key.src.to_string(), "10.0.0.1");
  EXPECT_EQ(drops[0].src_port, 40000);
  EXPECT_EQ(drops[0].key.cause->clause, "by rule \"my-drop:\"");
  EXPECT_GE(drops[0].time, before);
  ASSERT_NE(drops[0].interfaces, nullptr);
  EXPECT_EQ(drops[0].interfaces->in.view(), "a");
  EXPECT_EQ(drops[0].interfaces->out.view(), "b");
}

TEST_F(FileSourceTest, AnOldLineThatNamesItsZoneExpires) {
  start();
  const std::string line = udp(53).substr(udp(53).find("node-1"));
  append(path, "2001-11-03T16:23:17Z " + line + "\n2999-11-03T16:23:17Z " + line + "\n");
  std::vector<Drop> drops;
  ASSERT_TRUE(source->read(drops));
  ASSERT_EQ(drops.size(), 1u);
  EXPECT_LE(drops[0].time, system_now()) << "the future is now";
  EXPECT_EQ(metrics.lost[Where::kExpired].value(), 1u);
  EXPECT_EQ(metrics.seen.value(), 2u);
}

TEST_F(FileSourceTest, WithTooManyInterfacesTheDropIsToldAllTheSame) {
  start();
  std::string lines;
  for (int i = 0; i <= 16'384; ++i) {
    std::string line = udp(53);
    lines += line.replace(line.find("IN=a"), 4, "IN=cali-" + std::to_string(i)) + "\n";
  }
  append(path, lines);
  std::vector<Drop> drops;
  while (announced() || due()) ASSERT_TRUE(source->read(drops));
  ASSERT_EQ(drops.size(), 16'385u);
  EXPECT_EQ(drops[16'383].interfaces->in.view(), "cali-16383");
  EXPECT_EQ(drops[16'384].interfaces, nullptr);
  EXPECT_EQ(metrics.interfaces_left_out.value(), 1u);
}

TEST_F(FileSourceTest, EveryLineOfTheLogTargetIsCountedOnce) {
  start();
  append(path, "somebody else's line\n" + udp(53) + "\n" + udp(1, "other: ") + "\n" +
                   udp(2, "DROP by policy a/b ") + "\n" + udp(3).substr(0, udp(3).find("DPT")) +
                   "\n" + std::string(10'000, 'x') + udp(3) + "\n" + std::string(10'000, 'y') +
                   "\n" + udp(54) + "\n");
  EXPECT_EQ(ports(), "53 54 ");
  EXPECT_EQ(metrics.seen.value(), 6u);
  EXPECT_EQ(metrics.suppressed[Why::kUnknownPrefix].value(), 1u);
  EXPECT_EQ(metrics.suppressed[Why::kHint].value(), 1u);
  EXPECT_EQ(undecodable(), 2u);  // the cut one and the overlong one
}

TEST_F(FileSourceTest, BeyondTheKnownPrefixesADropIsToldWithoutItsRule) {
  start();
  for (int i = 0; i < 1'030; ++i) append(path, udp(53, "drop-" + std::to_string(i) + ": ") + "\n");
  ports();
  EXPECT_EQ(appended, 1'030u);
  EXPECT_EQ(metrics.causes_left_out.value(), 6u);
}

TEST_F(FileSourceTest, ChosenPrefixesDecide) {
  start({"calico-packet:"});
  append(path, udp(53) + "\n" + udp(54, "calico-packet: ") + "\n");
  EXPECT_EQ(ports(), "54 ");
}

// What stderr gets for these lines; every one of them is counted all the same.
class FileSourceAdviceTest : public FileSourceTest {
 protected:
  std::size_t advice_on(const std::vector<std::string>& new_prefixes) {
    for (const std::string& prefix : new_prefixes) append(path, udp(53, prefix) + "\n");
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(ports(), "");
    said = ::testing::internal::GetCapturedStderr();
    std::size_t lines = 0;
    for (std::size_t at = 0; (at = said.find("not counted as drops", at)) != std::string::npos;)
      ++at, ++lines;
    return lines;
  }
  std::string said;
};

TEST_F(FileSourceAdviceTest, EachUnknownPrefixIsToldOnce) {
  start();
  EXPECT_EQ(advice_on({"fw-web: ", "[UFW ALLOW] ", "fw-web: ", ""}), 3u);
  EXPECT_NE(said.find("--log-prefix=\"fw-web:\""), std::string::npos) << said;
  EXPECT_EQ(advice_on({"fw-web: ", "", "DROP by policy a/b ", "API0|np/a/b "}), 0u) << said;
  EXPECT_EQ(metrics.suppressed[Why::kUnknownPrefix].value(), 6u);
}

TEST_F(FileSourceAdviceTest, WhoHasChosenIsNotAdvised) {
  start({"calico-packet:"});
  EXPECT_EQ(advice_on({"fw-web: ", "policy-drop: "}), 0u) << said;
  EXPECT_EQ(metrics.suppressed[Why::kUnknownPrefix].value(), 2u);
}

// 32 at once; of all others one a minute, within the table of known prefixes and beyond it.
TEST_F(FileSourceAdviceTest, ManyPrefixesDoNotFloodStderr) {
  start();
  std::vector<std::string> prefixes(3'000);
  for (std::size_t i = 0; i < prefixes.size(); ++i) prefixes[i] = "fw-" + std::to_string(i) + ": ";
  EXPECT_EQ(advice_on(prefixes), 33u);
  EXPECT_EQ(advice_on(prefixes), 0u);
  EXPECT_EQ(metrics.suppressed[Why::kUnknownPrefix].value(), 6'000u);
}

// A log that gets our own words back, behind what syslog puts before them.
TEST_F(FileSourceAdviceTest, OurOwnWordsAreNoLineOfTheLogTarget) {
  start();
  EXPECT_EQ(advice_on({"IN=a OUT=b DST=10.0.0.2 PROTO=UDP ", "IN=a"}), 1u) << said;
  EXPECT_EQ(metrics.seen.value(), 2u);
  append(path, "Nov  3 16:23:17 node-1 kube-nflog[7]: " + said + "\n");
  EXPECT_EQ(advice_on({}), 0u) << said;
  EXPECT_EQ(metrics.seen.value(), 2u);
}

TEST_F(FileSourceTest, HalfALineSaysNothingYet) {
  start();
  const std::string line = udp(8080);
  const std::size_t cut = line.find("80 LEN");
  append(path, line.substr(0, cut));
  EXPECT_EQ(ports(), "");
  append(path, line.substr(cut) + "\n");
  EXPECT_EQ(ports(), "8080 ");
}

TEST_F(FileSourceTest, ARenamedFileIsReadUntilItsSuccessorBegins) {
  start();
  fs::rename(path, directory / "iptables.log.1");
  append(directory / "iptables.log.1", udp(2) + "\n");
  EXPECT_EQ(ports(), "2 ");
  append(path, "");  // logrotate's `create`: the writer has not reopened yet
  append(directory / "iptables.log.1", udp(3) + "\n");
  EXPECT_EQ(ports(), "3 ");
  append(directory / "iptables.log.1", udp(4) + "\n");
  append(path, udp(5) + "\n");
  EXPECT_EQ(ports(), "4 5 ");
  append(path, udp(6) + "\n");
  EXPECT_EQ(ports(), "6 ");
  append(directory / "iptables.log.1", udp(7) + "\n");
  EXPECT_EQ(ports(), "");
}

TEST_F(FileSourceTest, TheFirstBytesOfAnEmptySuccessorAreAnnounced) {
  start();
  fs::rename(path, directory / "iptables.log.1");
  append(path, "");
  EXPECT_EQ(ports(), "");
  append(path, udp(5) + "\n");
  EXPECT_EQ(ports(), "5 ");
}

TEST_F(FileSourceTest, AnUnterminatedLastLineOfTheOldFileIsNotLost) {
  start();
  append(path, udp(2));
  fs::rename(path, directory / "iptables.log.1");
  append(path, udp(3) + "\n");
  EXPECT_EQ(ports(), "2 3 ");
}

TEST_F(FileSourceTest, ADeletedFileIsFollowedByItsSuccessor) {
  start();
  append(path, udp(2) + "\n");
  fs::remove(path);
  EXPECT_EQ(ports(), "2 ");
  append(path, udp(3) + "\n");
  EXPECT_EQ(ports(), "3 ");
}

TEST_F(FileSourceTest, ManyRotationsInOneWakeUpLoseOnlyFilesNeverSeen) {
  start();
  for (int i = 2; i < 5; ++i) {
    append(path, udp(i) + "\n");
    EXPECT_EQ(ports(), std::to_string(i) + " ");
    fs::rename(path, directory / ("old." + std::to_string(i)));
  }
  append(path, udp(9) + "\n");
  EXPECT_EQ(ports(), "9 ");
}

TEST_F(FileSourceTest, ATruncatedFileIsReadFromItsStart) {
  start();
  append(path, udp(2) + "\n" + udp(3));  // a line begun, never to end
  EXPECT_EQ(ports(), "2 ");
  fs::resize_file(path, 0);
  EXPECT_EQ(ports(), "");
  append(path, udp(4) + "\n");
  EXPECT_EQ(ports(), "4 ");
}

TEST_F(FileSourceTest, MoreThanOneCallCanTakeComesAtOnce) {
  start();
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += udp(53) + "\n";
  append(path, text);
  std::vector<Drop> drops;
  ASSERT_TRUE(source->read(drops));
  EXPECT_EQ(drops.size(), 8192u);
  EXPECT_TRUE(due());
  appended = drops.size();
  ports();
  EXPECT_EQ(metrics.seen.value(), 20'000u);
  EXPECT_FALSE(due());
}

// As much noise as one call looks at: the ingest thread must get round in between.
TEST_F(FileSourceTest, NoiseWithoutEndIsReadInPieces) {
  start();
  append(path, std::string(std::size_t{20} << 20, 'n') + "\n" + udp(53) + "\n");
  std::vector<Drop> drops;
  ASSERT_TRUE(source->read(drops));
  EXPECT_TRUE(drops.empty());
  EXPECT_TRUE(due());
  EXPECT_EQ(ports(), "53 ");
}

TEST_F(FileSourceTest, AFileThatIsNotThereYetIsWaitedForWhereThatIsAskedFor) {
  fs::remove(path);
  auto opened = FileSource::open({.path = path, .wait = true}, {}, causes, metrics);
  ASSERT_TRUE(opened) << opened.error().what;
  source = std::move(*opened);
  EXPECT_EQ(ports(), "");
  EXPECT_FALSE(metrics.reads_a_source());
  append(path, udp(53) + "\n");
  EXPECT_EQ(ports(), "53 ");
  EXPECT_TRUE(metrics.reads_a_source());
}

TEST_F(FileSourceTest, ATruncationWithoutACopyIsCounted) {
  start();
  fs::resize_file(path, 0);
  EXPECT_EQ(ports(), "");
  EXPECT_EQ(metrics.log_truncations.value(), 1u);
}

TEST_F(FileSourceTest, ARestartGoesOnWhereItWas) {
  const auto now = [](int port) { return udp(port).substr(udp(port).find("my-drop")); };  // no time
  start();
  append(path, now(53) + "\n" + now(54));
  EXPECT_EQ(ports(), "53 ");
  stop();
  append(path, "\n" + now(55) + "\n");
  fs::rename(path, directory / "iptables.log.1");
  append(path, now(56) + "\n");
  start();
  EXPECT_TRUE(source->resumed());
  EXPECT_EQ(ports(), "54 55 56 ");
}

TEST_F(FileSourceTest, ThePositionIsBehindWhatWasHandedOut) {
  start();
  EXPECT_FALSE(source->resumed());
  append(path, udp(53) + "\n" + udp(54).substr(0, 20));
  std::vector<Drop> drops;
  ASSERT_TRUE(source->read(drops));
  EXPECT_EQ(drops.size(), 1u);
  const auto position = FilePosition::parse(source->position().value());
  ASSERT_TRUE(position);
  EXPECT_EQ(position->offset, udp(1).size() + 1 + udp(53).size() + 1);
}

TEST_F(FileSourceTest, APositionOfAnotherKindIsNotUsed) {
  kept = "s=cursor";
  start();
  EXPECT_FALSE(source->resumed());
  append(path, udp(53) + "\n");
  EXPECT_EQ(ports(), "53 ");
}

TEST_F(FileSourceTest, WhatCannotBeReadSaysSoAtOnce) {
  const auto exit_of = [&](const std::string& file) {
    const auto opened = FileSource::open({.path = file, .intake = {}}, {}, causes, metrics);
    EXPECT_FALSE(opened) << file;
    EXPECT_NE(opened.error().what.find(file), std::string::npos);
    return opened.error().exit;
  };
  EXPECT_EQ(exit_of(directory / "none.log"), Exit::kNoInput);
  EXPECT_EQ(exit_of(directory), Exit::kNoInput);
  EXPECT_EQ(exit_of("/dev/null"), Exit::kNoInput);
}

}  // namespace
}  // namespace kube_nflog
