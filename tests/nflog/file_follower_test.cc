// SPDX-License-Identifier: Apache-2.0
// What becomes of a log's lines when the log is rotated, in every way that it can be, and when
// inotify cannot be had. The clock is the test's own.
#include "nflog/file_follower.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/fakes/temporary_directory.h"

namespace kube_nflog {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Long enough that a few of them are a fingerprint, and each like no other.
std::string line(int n) { return "line-" + std::to_string(n) + " #" + std::string(90, '.') + "\n"; }
std::string lines(int from, int to) {
  std::string text;
  for (int n = from; n <= to; ++n) text += line(n);
  return text;
}
// As the test's expectations are written: " 1 2 3".
std::string numbers(int from, int to) {
  std::string text;
  for (int n = from; n <= to; ++n) text += " " + std::to_string(n);
  return text;
}

// Without inotify: no descriptor is left to open it with.
FileWatch watch_that_fails() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  const rlim_t limit = files.rlim_cur;
  files.rlim_cur = 0;
  ::setrlimit(RLIMIT_NOFILE, &files);
  FileWatch watch;
  files.rlim_cur = limit;
  ::setrlimit(RLIMIT_NOFILE, &files);
  return watch;
}

class FileFollowerTest : public ::testing::Test {
 protected:
  void SetUp() override { append(log, lines(1, 9)); }

  static void append(const std::string& file, const std::string& text) {
    std::ofstream(file, std::ios::app | std::ios::binary) << text;
  }
  // As logrotate does: the copy is made, then the file is truncated.
  void copy_and_truncate(const std::string& to) {
    fs::copy_file(log, to);
    fs::resize_file(log, 0);
  }
  // So that what comes now is younger, on a file system with coarse times too.
  static void make_old(const std::string& file, int seconds_ago) {
    fs::last_write_time(file, fs::file_time_type::clock::now() - seconds(seconds_ago));
  }
  void start(FollowOptions options = {}, FileWatch watch = {}) {
    options.mark = "#";
    if (options.path.empty()) options.path = log;
    Result<FileFollower> opened = FileFollower::open(std::move(options), std::move(watch));
    ASSERT_TRUE(opened) << opened.error().what;
    follower.emplace(std::move(*opened));
    follower->look(now);
    EXPECT_FALSE(announced());
  }
  void start_from(const std::optional<FilePosition>& position) {
    ASSERT_TRUE(position);
    start({.path = log, .from = position});
  }
  bool announced() {
    pollfd p{follower->fd(), POLLIN, 0};
    return ::poll(&p, 1, 0) == 1;
  }
  // All that can be read, looked for only when fd() says so or the time has come.
  std::string read() {
    std::string got;
    do {
      follower->look(now);
      bool more = true;
      while (more) {
        while (const auto l = follower->next_line())
          got += " " + std::string(l->substr(5, l->find(' ') - 5));
        const Result<bool> filled = follower->fill();
        EXPECT_TRUE(filled) << filled.error().what;
        more = filled && *filled;
      }
      skipped += follower->take_skipped();
      truncations += follower->take_truncations();
    } while (announced());
    return got;
  }
  std::string read_if_told() {
    return announced() || now >= follower->due() ? read() : " not told";
  }

  TemporaryDirectory directory;
  const std::string log = directory.path("a.log"), old = directory.path("a.log.1");
  SteadyTime now{seconds(1000)};
  std::optional<FileFollower> follower;
  std::uint64_t skipped = 0, truncations = 0;
};

TEST_F(FileFollowerTest, WhatCameAndWentIsReadThoughTheLogIsEmpty) {
  start();
  append(log, line(10));
  make_old(log, 20);
  fs::rename(log, directory.path("a.log.2"));
  append(log, lines(11, 12));
  make_old(log, 10);
  fs::rename(log, old);
  append(log, "");
  EXPECT_EQ(read(), numbers(10, 12));
  append(log, line(13));
  EXPECT_EQ(read(), " 13");
  EXPECT_EQ(truncations, 0u);
}

TEST_F(FileFollowerTest, WhatCameAndWentEmptyDoesNotEndTheFileThatIsStillWritten) {
  start();
  append(log, line(10));
  make_old(log, 20);
  fs::rename(log, directory.path("a.log.2"));
  append(log, "");
  fs::rename(log, old);
  append(log, "");
  EXPECT_EQ(read(), " 10");
  append(directory.path("a.log.2"), line(11));
  now += seconds(2);
  EXPECT_EQ(read(), " 11");
}

TEST_F(FileFollowerTest, AFileThatIsBegunAfterItWasRotatedAwayIsReadThoughTheLogIsEmpty) {
  start();
  append(log, line(10));
  make_old(log, 20);
  fs::rename(log, directory.path("a.log.2"));
  append(log, "");
  fs::rename(log, old);
  append(log, "");
  EXPECT_EQ(read(), " 10");
  append(old, line(11));  // by a writer that has not reopened it yet
  now += seconds(2);
  EXPECT_EQ(read(), " 11");
}

TEST_F(FileFollowerTest, StartsAtTheEndAndWithAWholeLine) {
  append(log, "line-10 # begun before");
  start();
  EXPECT_EQ(read(), "");
  append(log, " and ended\n" + line(11));
  EXPECT_EQ(read_if_told(), " 11");
}

// ---- rename and create

TEST_F(FileFollowerTest, ReadsTheOldFileToItsTrueEnd) {
  start();
  append(log, line(10));
  fs::rename(log, old);
  append(old, line(11));
  EXPECT_EQ(read_if_told(), " 10 11");
  append(log, "");  // logrotate's `create`: the writer has not reopened yet
  append(old, line(12));
  EXPECT_EQ(read_if_told(), " 12");
  append(old, line(13));
  append(log, line(14));
  EXPECT_EQ(read_if_told(), " 13 14");
}

TEST_F(FileFollowerTest, WithoutInotifyItLooksFourTimesASecond) {
  start({}, watch_that_fails());
  EXPECT_EQ(follower->fd(), -1);
  EXPECT_EQ(follower->due(), now + milliseconds(250));
  append(log, line(10));
  fs::rename(log, old);
  append(log, line(11));
  now = follower->due();
  EXPECT_EQ(read(), " 10 11");
  append(log, line(12));
  now = follower->due();
  EXPECT_EQ(read(), " 12");
}

TEST_F(FileFollowerTest, WithInotifyItLooksOnceASecondAllTheSame) {
  start();
  EXPECT_EQ(follower->due(), now + seconds(1));
}

// The agent was stopped, or the node too busy, for two rotations.
TEST_F(FileFollowerTest, FilesThatCameAndWentMeanwhileAreReadInOrder) {
  append(directory.path("a.log.9"), lines(900, 905));  // long ago
  make_old(directory.path("a.log.9"), 900);
  append(directory.path("b.log.1"), lines(800, 805));  // another log
  append(directory.path("a.log.2.gz"), lines(700, 705));
  start();
  append(log, line(10));
  fs::rename(log, directory.path("a.log.3"));
  make_old(directory.path("a.log.3"), 30);
  append(directory.path("a.log.2"), lines(11, 12));
  make_old(directory.path("a.log.2"), 20);
  append(old, line(13) + "line-14 # unterminated");
  make_old(old, 10);
  append(log, line(15));
  EXPECT_EQ(read_if_told(), numbers(10, 15));
  EXPECT_EQ(truncations, 0u);
}

TEST_F(FileFollowerTest, ACopyThatSomebodyMadeIsNotReadAgain) {
  start();
  append(log, line(10));
  EXPECT_EQ(read(), " 10");
  make_old(log, 60);
  fs::copy_file(log, directory.path("a.log.backup"));  // after the last line
  fs::rename(log, old);
  append(log, line(11));
  EXPECT_EQ(read(), " 11");
}

TEST_F(FileFollowerTest, WhatElseStandsBesideTheLogIsNotOfItsRotation) {
  start();
  append(log, line(10));
  EXPECT_EQ(read(), " 10");
  make_old(log, 60);
  for (const char* name : {".notes", ".filtered", ".1.gz", "-backup", ".1~", "2"})
    append(log + name, lines(20, 29));  // younger than the log's last line
  fs::rename(log, old);
  append(log, "");
  EXPECT_EQ(read(), "");
  append(old, line(11));  // its writer has not opened the new one yet
  now += seconds(2);
  EXPECT_EQ(read(), " 11");
  append(log, line(12));
  EXPECT_EQ(read(), " 12");
}

TEST_F(FileFollowerTest, RotatedFilesHaveNumbersOrDates) {
  for (const char* name :
       {".1", "-20261128", ".2026-11-28T04:47", "-20261128.2", "_1795841261", ".old"}) {
    const std::string rotated = log + name;
    start();
    append(log, line(10));
    make_old(log, 20);
    fs::rename(log, directory.path("gone"));
    append(rotated, line(11));
    make_old(rotated, 10);
    append(log, line(12));
    EXPECT_EQ(read(), numbers(10, 12)) << name;
    fs::remove(rotated);
  }
}

TEST_F(FileFollowerTest, ACopyInItsPlaceIsReadOnFromWhereTheLogWas) {
  start();
  append(log, line(10) + "line-11");
  EXPECT_EQ(read(), " 10");
  fs::copy_file(log, directory.path("edited"));
  append(directory.path("edited"), " # ended\n" + line(12));
  fs::rename(directory.path("edited"), log);
  EXPECT_EQ(read(), " 11 12");
}

TEST_F(FileFollowerTest, AHoleAtTheStartIsPassedOverWhereverReadingBegins) {
  start();
  const std::optional<FilePosition> position = follower->position();
  const auto with_hole = [this](const std::string& text) {
    fs::remove(log);
    append(log, "");
    fs::resize_file(log, 1 << 20);
    append(log, text);
  };
  with_hole(line(10));
  start_from(position);  // of a file that is gone
  EXPECT_EQ(read(), " 10");
  EXPECT_EQ(truncations, 1u);

  const std::string late = directory.path("late.log");
  start({.path = late, .wait = true});
  with_hole(line(11));
  fs::rename(log, late);
  EXPECT_EQ(read(), " 11");
  EXPECT_EQ(skipped, 0u);
}

TEST_F(FileFollowerTest, ADeletedFileIsFollowedByItsSuccessor) {
  start();
  append(log, line(10));
  fs::remove(log);
  EXPECT_EQ(read_if_told(), " 10");
  append(log, line(11));
  EXPECT_EQ(read_if_told(), " 11");
}

TEST_F(FileFollowerTest, ManyEmptySuccessorsLeaveNoWatchBehind) {
  start();
  fs::rename(log, old);
  for (int i = 0; i < 100; ++i) {
    append(log, "");
    EXPECT_EQ(read(), "");
    fs::remove(log);
  }
  append(log, line(10));
  EXPECT_EQ(read(), " 10");
  std::ifstream about("/proc/self/fdinfo/" + std::to_string(follower->fd()));
  int watches = 0;
  for (std::string word; about >> word;) watches += word == "inotify";
  EXPECT_EQ(watches, 2);  // the directory and the file
}

// ---- copytruncate

TEST_F(FileFollowerTest, OfATruncatedFileTheCopyHasTheRest) {
  start();
  append(log, line(10) + "line-11");
  EXPECT_EQ(read(), " 10");
  append(log, " # ended\n" + lines(12, 14));
  copy_and_truncate(old);
  EXPECT_EQ(read_if_told(), numbers(11, 14));
  append(log, line(15));
  EXPECT_EQ(read_if_told(), " 15");
  EXPECT_EQ(truncations, 0u);
  EXPECT_EQ(skipped, 0u);
}

TEST_F(FileFollowerTest, ATruncatedFileThatHasGrownLongerThanBeforeIsNoticed) {
  start();
  append(log, line(10));
  EXPECT_EQ(read(), " 10");
  append(log, lines(11, 12));
  copy_and_truncate(old);
  append(log, lines(13, 60));
  EXPECT_EQ(read_if_told(), numbers(11, 60));
}

TEST_F(FileFollowerTest, WithoutACopyItsNewContentIsReadAndTheTruncationCounted) {
  start();
  append(log, line(10) + "line-11 # begun, never to end");
  EXPECT_EQ(read(), " 10");
  fs::resize_file(log, 0);
  append(log, lines(12, 60));
  EXPECT_EQ(read_if_told(), numbers(12, 60));
  EXPECT_EQ(truncations, 1u);
  EXPECT_EQ(skipped, 1u);  // the begun one
}

TEST_F(FileFollowerTest, AWriterWithoutAppendLeavesAHoleThatIsPassedOver) {
  append(log, std::string(50'000, 'n') + "\n");
  start();
  std::FILE* writer = std::fopen(log.c_str(), "r+");
  ASSERT_NE(writer, nullptr);
  std::fseek(writer, 0, SEEK_END);
  fs::resize_file(log, 0);
  std::fputs(line(10).c_str(), writer);
  std::fclose(writer);
  EXPECT_GT(fs::file_size(log), 50'000u);
  EXPECT_EQ(read_if_told(), " 10");
  EXPECT_EQ(skipped, 0u);
}

// ---- links, and files that come late

TEST_F(FileFollowerTest, ALinkThatIsSwitchedLeadsToTheNewFile) {
  const std::string link = directory.path("link"), other = directory.path("other.log");
  fs::create_symlink("a.log", link);
  start({.path = link});
  append(log, line(10));
  EXPECT_EQ(read_if_told(), " 10");
  append(other, line(11));
  fs::create_symlink("other.log", link + ".new");
  fs::rename(link + ".new", link);
  EXPECT_EQ(read_if_told(), " 11");
  append(other, line(12));
  EXPECT_EQ(read_if_told(), " 12");
}

TEST_F(FileFollowerTest, TheTargetOfALinkIsRotatedWhereItStands) {
  fs::create_directory(directory.path("elsewhere"));
  const std::string link = directory.path("elsewhere/link");
  fs::create_symlink("../a.log", link);
  start({.path = link});
  append(log, line(10));
  fs::rename(log, old);
  EXPECT_EQ(read_if_told(), " 10");
  append(log, line(11));
  EXPECT_EQ(read_if_told(), " 11");
  copy_and_truncate(directory.path("a.log.2"));
  append(log, line(12));
  EXPECT_EQ(read_if_told(), " 12");
  EXPECT_EQ(truncations, 0u);
}

// As the kubelet mounts a volume: the file is a link into ..data, which is a link that is replaced.
TEST_F(FileFollowerTest, ALinkFartherUpThePathMayBeSwitched) {
  for (const char* version : {"v1", "v2"}) fs::create_directory(directory.path(version));
  append(directory.path("v1/x.log"), line(1));
  fs::create_symlink("v1", directory.path("..data"));
  fs::create_symlink("..data/x.log", directory.path("x.log"));
  start({.path = directory.path("x.log")});
  append(directory.path("v1/x.log"), line(10));
  EXPECT_EQ(read_if_told(), " 10");
  append(directory.path("v2/x.log"), line(11));
  fs::create_symlink("v2", directory.path("..new"));
  fs::rename(directory.path("..new"), directory.path("..data"));
  EXPECT_EQ(read_if_told(), " 11");
}

TEST_F(FileFollowerTest, AFileThatComesLateIsReadFromItsStart) {
  fs::remove(log);
  start({.path = log, .wait = true});
  EXPECT_EQ(read(), "");
  EXPECT_FALSE(follower->has_file());
  append(log, lines(10, 11));
  EXPECT_EQ(read_if_told(), " 10 11");
  EXPECT_TRUE(follower->has_file());
}

TEST_F(FileFollowerTest, ALinkThatLeadsNowhereYetIsFollowedInASecond) {
  fs::create_directory(directory.path("elsewhere"));
  fs::create_symlink("elsewhere/late.log", directory.path("late"));
  start({.path = directory.path("late"), .wait = true});
  append(directory.path("elsewhere/late.log"), line(10));
  now += seconds(1);
  EXPECT_EQ(read_if_told(), " 10");
}

TEST_F(FileFollowerTest, WithoutADirectoryThereIsNothingToWaitFor) {
  for (const bool wait : {false, true}) {
    const auto opened =
        FileFollower::open({.path = directory.path("none/a.log"), .mark = "#", .wait = wait});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().exit, Exit::kNoInput);
  }
}

// ---- lines that do not end

TEST_F(FileFollowerTest, ALineThatDoesNotEndInAMinuteIsGivenUpAndCounted) {
  start();
  append(log, "line-10 # begun");
  EXPECT_EQ(read(), "");
  now += FileFollower::kLineTime - seconds(1);
  EXPECT_EQ(read(), "");
  append(log, " and");  // it goes on: a minute from here
  EXPECT_EQ(read(), "");
  now += FileFollower::kLineTime - seconds(1);
  EXPECT_EQ(read(), "");
  EXPECT_EQ(skipped, 0u);
  now += seconds(1);
  EXPECT_EQ(read(), "");
  EXPECT_EQ(skipped, 1u);
  append(log, " ended DPT=1\n" + line(11));
  EXPECT_EQ(read(), " 11");
  EXPECT_EQ(skipped, 1u);
}

TEST_F(FileFollowerTest, BytesOfAnyKindAreNoMoreThanOtherLines) {
  std::string binary;
  for (int i = 0; i < 100'000; ++i) binary += static_cast<char>(i * 7919 % 256);
  std::erase(binary, '#');
  start();
  append(log,
         binary + "\n" + line(10) + std::string(3, '\0') + line(11) + binary + "\n" + line(12));
  EXPECT_EQ(read_if_told(), " 10 11 12");
  EXPECT_EQ(skipped, 0u);
}

// ---- from a position

TEST_F(FileFollowerTest, GoesOnAfterTheLastLineThatWasHandedOut) {
  start();
  append(log, lines(10, 12) + "line-13 # beg");
  EXPECT_EQ(read(), " 10 11 12");
  const auto position = follower->position();
  append(log, "un\n" + line(14));
  start_from(position);
  EXPECT_EQ(read(), " 13 14");
}

TEST_F(FileFollowerTest, APositionIsAfterEachLineNotAfterEachRead) {
  start();
  append(log, lines(10, 12));
  follower->look(now);
  ASSERT_TRUE(follower->fill());
  EXPECT_EQ(follower->next_line()->substr(0, 7), "line-10");
  start_from(follower->position());
  EXPECT_EQ(read(), " 11 12");
}

TEST_F(FileFollowerTest, AFileThatWasRotatedMeanwhileIsReadToItsEndFirst) {
  start();
  append(log, lines(10, 11));
  EXPECT_EQ(read(), " 10 11");
  const auto position = follower->position();
  append(log, line(12));
  make_old(log, 20);
  fs::rename(log, directory.path("a.log.2"));
  append(old, lines(13, 14));
  make_old(old, 10);
  start_from(position);
  EXPECT_EQ(read(), " 12 13 14");
  append(log, line(15));
  EXPECT_EQ(read_if_told(), " 15");
}

TEST_F(FileFollowerTest, AFileThatWasCopiedAndTruncatedMeanwhileToo) {
  start();
  append(log, line(10));
  EXPECT_EQ(read(), " 10");
  const auto position = follower->position();
  append(log, line(11));
  copy_and_truncate(old);
  append(log, lines(12, 60));
  start_from(position);
  EXPECT_EQ(read(), numbers(11, 60));
  EXPECT_EQ(truncations, 0u);
}

TEST_F(FileFollowerTest, AnEmptyFileIsKnownAgainByItsInode) {
  fs::resize_file(log, 0);
  start();
  const auto position = follower->position();
  append(log, line(10));
  fs::rename(log, old);
  append(log, line(11));
  start_from(position);
  EXPECT_EQ(read(), " 10 11");
}

// Of an empty file there is nothing to know a copy by: those of later than the position are it.
TEST_F(FileFollowerTest, OfAFileThatWasEmptyTheLaterCopiesAreRead) {
  append(directory.path("a.log.3"), lines(1, 9));
  make_old(directory.path("a.log.3"), 30);
  fs::resize_file(log, 0);
  start();
  const auto position = follower->position();
  const SystemTime saved = system_now() - seconds(20);
  append(log, lines(10, 12));
  copy_and_truncate(directory.path("a.log.2"));
  make_old(directory.path("a.log.2"), 10);
  append(log, line(13));
  copy_and_truncate(old);
  append(log, line(14));
  start({.path = log, .from = position, .saved = saved});
  EXPECT_TRUE(follower->resumed());
  EXPECT_EQ(read(), " 10 11 12 13 14");
  EXPECT_EQ(truncations, 0u);
}

TEST_F(FileFollowerTest, OfAFileThatIsStillEmptyNothingIsReadAgain) {
  copy_and_truncate(old);
  make_old(old, 30);
  start();
  const auto position = follower->position();
  start({.path = log, .from = position, .saved = system_now() - seconds(20)});
  append(log, line(10));
  EXPECT_EQ(read(), " 10");
}

TEST_F(FileFollowerTest, WhereThePositionIsNowhereItReadsFromTheStartAndSaysSo) {
  start();
  const auto position = follower->position();
  fs::remove(log);
  append(log, lines(20, 60));
  ::testing::internal::CaptureStderr();
  start_from(position);
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("not the one"), std::string::npos);
  EXPECT_EQ(read(), numbers(20, 60));
  EXPECT_EQ(truncations, 1u);
}

TEST(FilePosition, IsReadBackAndNothingElseIs) {
  const FilePosition position{.device = 7, .inode = 8, .offset = 9, .tail_hash = ~std::uint64_t{0}};
  EXPECT_EQ(position.to_string(), "file 1 7 8 9 18446744073709551615");
  EXPECT_EQ(FilePosition::parse(position.to_string()), position);
  for (const char* bad :
       {"", "file", "file 1", "file 2 7 8 9 1", "file 1 7 8 9", "file 1 7 8 9 ", "file 1 7 8 9 1 2",
        "file 1 7 8 9 1 ", "file 1 7 8 -9 1", "file 1 7 8  9 1", "file 17 8 9 1",
        "file 1 7 8 9223372036854775808 1", "file 1 7 8 9 18446744073709551616", "kmsg 1 7 8 9 1"})
    EXPECT_EQ(FilePosition::parse(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace kube_nflog
