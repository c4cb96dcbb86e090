// SPDX-License-Identifier: Apache-2.0
#include "nflog/checkpoint.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/fakes/temporary_directory.h"

namespace kube_nflog {
namespace {

using std::chrono::milliseconds;

class CheckpointTest : public ::testing::Test {
 protected:
  Checkpoint open(const std::string& source = "kmsg") const {
    Result<Checkpoint> opened = Checkpoint::open(directory.path(), source);
    EXPECT_TRUE(opened) << opened.error().what;
    return std::move(*opened);
  }
  // What load() gives; "(none)" without a file, and why in brackets if it is not used.
  std::string loaded(const std::string& source = "kmsg") const {
    const auto position = open(source).load();
    if (!position) return "[" + position.error().what + "]";
    return position->value_or("(none)");
  }
  std::string content() const {
    std::ifstream file(directory.path("kmsg.checkpoint"), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  const TemporaryDirectory directory;
};

TEST_F(CheckpointTest, WhatWasStoredIsLoadedByTheNextProcess) {
  EXPECT_EQ(loaded(), "(none)");
  ASSERT_TRUE(open().store("boot 1"));
  EXPECT_EQ(loaded(), "boot 1");
  const std::string bytes("\nend\n\0\xff", 7);
  ASSERT_TRUE(open().store(bytes));
  EXPECT_EQ(loaded(), bytes);
  EXPECT_EQ(loaded("journal"), "(none)") << "each source has its own";
  ASSERT_TRUE(open().store(std::string(Checkpoint::kMaxPosition, 'x')));
  EXPECT_EQ(loaded().size(), Checkpoint::kMaxPosition);
  EXPECT_FALSE(open().store(std::string(Checkpoint::kMaxPosition + 1, 'y')));
  EXPECT_EQ(loaded(), std::string(Checkpoint::kMaxPosition, 'x'));
}

TEST_F(CheckpointTest, IsForItsOwnerAloneAndLeavesNothingElseBehind) {
  ASSERT_TRUE(open().store("1"));
  struct stat status {};
  ASSERT_EQ(::stat(directory.path("kmsg.checkpoint").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  namespace fs = std::filesystem;
  EXPECT_EQ(std::distance(fs::directory_iterator(directory.path()), {}), 1);
}

TEST_F(CheckpointTest, AFileCutAnywhereOrOfAnotherIsSaidAndNotUsed) {
  ASSERT_TRUE(open().store("123"));
  const std::string whole = content();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    directory.write("kmsg.checkpoint", whole.substr(0, size));
    EXPECT_NE(loaded().find("kmsg.checkpoint is not used: it is damaged"), std::string::npos)
        << size;
  }
  directory.write("kmsg.checkpoint", std::string(1 << 20, 'x'));
  EXPECT_NE(loaded().find("damaged"), std::string::npos);
  directory.write("journal.checkpoint", whole);
  EXPECT_NE(loaded("journal").find("damaged"), std::string::npos) << "kmsg's";
  ASSERT_TRUE(open().store("124"));
  EXPECT_EQ(loaded(), "124") << "and is replaced";
}

TEST_F(CheckpointTest, NeitherAFifoNorALinkInItsPlaceLeadsOn) {
  ASSERT_EQ(::mkfifo(directory.path("kmsg.checkpoint").c_str(), 0600), 0);
  EXPECT_NE(loaded().find("not a regular file"), std::string::npos);
  directory.write("target", "theirs");
  ASSERT_EQ(::symlink("target", directory.path("journal.checkpoint").c_str()), 0);
  EXPECT_NE(loaded("journal").find("symbolic links"), std::string::npos);
  ASSERT_EQ(::symlink("target", directory.path("file.checkpoint.new").c_str()), 0);
  EXPECT_FALSE(Checkpoint::open(directory.path(), "file"));
  std::ifstream target(directory.path("target"));
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(target), {}), "theirs");
}

TEST_F(CheckpointTest, ADirectoryThatCannotBeHadIsRefusedAtOnce) {
  for (const std::string path : {"/proc/self", "/dev/null", "/nonexistent/state"}) {
    const Result<Checkpoint> opened = Checkpoint::open(path, "kmsg");
    ASSERT_FALSE(opened) << path;
    EXPECT_EQ(opened.error().exit, Exit::kNoInput);
    EXPECT_NE(opened.error().what.find("--state-dir=" + path), std::string::npos);
  }
  ASSERT_TRUE(Checkpoint::open(directory.path("made"), "kmsg"));
  EXPECT_TRUE(std::filesystem::is_directory(directory.path("made")));
}

TEST_F(CheckpointTest, WithoutADirectoryNothingIsKept) {
  Result<Checkpoint> none = Checkpoint::open("", "kmsg");
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
  EXPECT_TRUE(none->store("1"));
  none->keep("2", SteadyTime{});
  EXPECT_FALSE(none->deadline());
  EXPECT_EQ(none->load()->value_or("(none)"), "(none)");
}

TEST_F(CheckpointTest, KeepsAtMostOnceASecondAndSaysWhenTheRestIsDue) {
  Checkpoint checkpoint = open();
  const SteadyTime start = SteadyTime{} + std::chrono::hours(1);
  checkpoint.keep("1", start);
  EXPECT_EQ(loaded(), "1");
  EXPECT_FALSE(checkpoint.deadline());
  checkpoint.keep("2", start + milliseconds(999));
  EXPECT_EQ(loaded(), "1");
  EXPECT_EQ(checkpoint.deadline(), start + milliseconds(1'000));
  checkpoint.keep("3", start + milliseconds(1'000));
  EXPECT_EQ(loaded(), "3");
  EXPECT_FALSE(checkpoint.deadline());
  checkpoint.keep("3", start + milliseconds(1'001));
  EXPECT_FALSE(checkpoint.deadline()) << "nothing new";
  checkpoint.keep("4", start + milliseconds(1'002));
  ASSERT_TRUE(checkpoint.store("4"));
  EXPECT_EQ(loaded(), "4");
  EXPECT_FALSE(checkpoint.deadline());
}

TEST_F(CheckpointTest, AFailureToStoreKeepsTheOldPositionAndIsTriedAgain) {
  Checkpoint checkpoint = open();
  const SteadyTime start = SteadyTime{} + std::chrono::hours(1);
  checkpoint.keep("1", start);
  std::filesystem::create_directory(directory.path("kmsg.checkpoint.new"));
  const Result<> stored = checkpoint.store("2");
  ASSERT_FALSE(stored);
  EXPECT_NE(stored.error().what.find("kmsg.checkpoint: Is a directory"), std::string::npos);
  EXPECT_EQ(content(), "kube-nflog checkpoint 1 kmsg\n1\nend\n");
  std::filesystem::remove(directory.path("kmsg.checkpoint.new"));
  checkpoint.keep("2", start + milliseconds(1'000));
  EXPECT_EQ(loaded(), "2");
}

}  // namespace
}  // namespace kube_nflog
