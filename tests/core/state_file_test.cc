// SPDX-License-Identifier: Apache-2.0
#include "core/state_file.h"

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

class StateFileTest : public ::testing::Test {
 protected:
  StateFile open(const std::string& source = "kmsg") const {
    Result<StateFile> opened = StateFile::open(directory.path(), source);
    EXPECT_TRUE(opened) << opened.error().what;
    return std::move(*opened);
  }
  // What load() gives, as POSITION|STATE; "(none)" without a file, and why in brackets if it is not
  // used.
  std::string loaded(const std::string& source = "kmsg") const {
    const auto stored = open(source).load();
    if (!stored) return "[" + stored.error().what + "]";
    return *stored ? (*stored)->position + '|' + (*stored)->state : "(none)";
  }
  std::string content() const {
    std::ifstream file(directory.path("kmsg.state"), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  const TemporaryDirectory directory;
};

TEST_F(StateFileTest, WhatWasStoredIsLoadedByTheNextProcess) {
  EXPECT_EQ(loaded(), "(none)");
  ASSERT_TRUE(open().store("boot 1", ""));
  EXPECT_EQ(loaded(), "boot 1|");
  const std::string bytes("\nend 7\n\0\xff", 9);
  ASSERT_TRUE(open().store(bytes, bytes + bytes));
  EXPECT_EQ(loaded(), bytes + '|' + bytes + bytes);
  EXPECT_EQ(loaded("journal"), "(none)") << "each source has its own";
  const std::string longest(StateFile::kMaxPosition, 'x'), large(5'000'000, 's');
  ASSERT_TRUE(open().store(longest, large));
  EXPECT_EQ(loaded(), longest + '|' + large);
  EXPECT_FALSE(open().store(longest + 'x', ""));
  EXPECT_FALSE(open().store("1", std::string(StateFile::kMaxState + 1, 's')));
  EXPECT_EQ(loaded(), longest + '|' + large);
}

TEST_F(StateFileTest, TellsWhenItWasStored) {
  ASSERT_TRUE(open().store("1", "state"));
  const auto stored = open().load();
  ASSERT_TRUE(stored && *stored);
  const auto age = system_now() - (*stored)->stored_at;
  EXPECT_TRUE(age > -std::chrono::seconds(1) && age < std::chrono::minutes(5)) << age.count();
}

TEST_F(StateFileTest, IsForItsOwnerAloneAndLeavesNothingElseBehind) {
  ASSERT_TRUE(open().store("1", "state"));
  struct stat status {};
  ASSERT_EQ(::stat(directory.path("kmsg.state").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  namespace fs = std::filesystem;
  EXPECT_EQ(std::distance(fs::directory_iterator(directory.path()), {}), 1);
}

TEST_F(StateFileTest, AFileCutOrChangedAnywhereOrOfAnotherIsSaidAndNotUsed) {
  ASSERT_TRUE(open().store("123", "what was known then"));
  const std::string whole = content();
  const std::string sentence = "kmsg.state is not used: it is damaged, of another version, or";
  for (std::size_t i = 0; i < whole.size(); ++i) {
    directory.write("kmsg.state", whole.substr(0, i));
    EXPECT_NE(loaded().find(sentence), std::string::npos) << i;
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    directory.write("kmsg.state", changed);
    EXPECT_NE(loaded().find(sentence), std::string::npos) << i;
  }
  for (const std::string& other :
       {whole + "more", std::string(1 << 20, 'x'), std::string("kube-nflog state 2 kmsg 0 0 0\n"),
        std::string("kube-nflog state 1 kmsg 18446744073709551615 9 0\n123")}) {
    directory.write("kmsg.state", other);
    EXPECT_NE(loaded().find(sentence), std::string::npos) << other.substr(0, 60);
  }
  directory.write("journal.state", whole);
  EXPECT_NE(loaded("journal").find("damaged"), std::string::npos) << "kmsg's";
  ASSERT_TRUE(open().store("124", ""));
  EXPECT_EQ(loaded(), "124|") << "and is replaced";
}

TEST_F(StateFileTest, NeitherAFifoNorALinkInItsPlaceLeadsOn) {
  ASSERT_EQ(::mkfifo(directory.path("kmsg.state").c_str(), 0600), 0);
  EXPECT_NE(loaded().find("not a regular file"), std::string::npos);
  directory.write("target", "theirs");
  ASSERT_EQ(::symlink("target", directory.path("journal.state").c_str()), 0);
  EXPECT_NE(loaded("journal").find("symbolic links"), std::string::npos);
  ASSERT_EQ(::symlink("target", directory.path("file.state.new").c_str()), 0);
  EXPECT_FALSE(StateFile::open(directory.path(), "file"));
  std::ifstream target(directory.path("target"));
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(target), {}), "theirs");
}

TEST_F(StateFileTest, ADirectoryThatCannotBeHadIsRefusedAtOnce) {
  for (const std::string path : {"/proc/self", "/dev/null", "/nonexistent/state"}) {
    const Result<StateFile> opened = StateFile::open(path, "kmsg");
    ASSERT_FALSE(opened) << path;
    EXPECT_EQ(opened.error().exit, Exit::kNoInput);
    EXPECT_NE(opened.error().what.find("--state-dir=" + path), std::string::npos);
  }
  ASSERT_TRUE(StateFile::open(directory.path("made"), "kmsg"));
  EXPECT_TRUE(std::filesystem::is_directory(directory.path("made")));
}

TEST_F(StateFileTest, AFailureToStoreLeavesWhatWasStoredBefore) {
  StateFile file = open();
  ASSERT_TRUE(file.store("1", "state"));
  std::filesystem::create_directory(directory.path("kmsg.state.new"));
  const Result<> stored = file.store("2", "state");
  ASSERT_FALSE(stored);
  EXPECT_NE(stored.error().what.find("kmsg.state: Is a directory"), std::string::npos);
  EXPECT_TRUE(content().ends_with("\n1state"));
  std::filesystem::remove(directory.path("kmsg.state.new"));
  ASSERT_TRUE(file.store("2", "state"));
  EXPECT_EQ(loaded(), "2|state");
}

}  // namespace
}  // namespace kube_nflog
