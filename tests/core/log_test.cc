// SPDX-License-Identifier: Apache-2.0
#include "core/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "core/metrics.h"
#include "core/unique_fd.h"

namespace kube_nflog {
namespace {

// stderr becomes a pipe that the test reads, or does not.
class Captured {
 public:
  Captured() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    read_ = UniqueFd(ends[0]);
    const UniqueFd write(ends[1]);
    saved_ = UniqueFd(::dup(STDERR_FILENO));
    EXPECT_GE(::dup2(write.get(), STDERR_FILENO), 0);
  }
  ~Captured() { restore(); }
  void restore() { ::dup2(saved_.get(), STDERR_FILENO); }
  std::string text() {
    restore();
    std::string all(1 << 20, '\0');
    const ssize_t n = ::read(read_.get(), all.data(), all.size());
    all.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return all;
  }

 private:
  UniqueFd read_, saved_;
};

TEST(Log, ALineIsOneLineWhateverIsInIt) {
  Counter dropped;
  log::start(log::Level::kInfo, log::Format::kText, dropped);
  Captured captured;
  log::debug("not at this level");
  log::warn("a\nb\x1b[31mc");
  const std::string text = captured.text();
  EXPECT_EQ(text.find("not at this level"), std::string::npos);
  EXPECT_NE(text.find("warn  a b [31mc\n"), std::string::npos) << text;
}

TEST(Log, RepeatsAreCountedNotPrinted) {
  Counter dropped;
  log::start(log::Level::kInfo, log::Format::kText, dropped);
  Captured captured;
  log::warn_every(std::chrono::hours(1), "test_topic", "first");
  for (int i = 0; i < 9; ++i) log::warn_every(std::chrono::hours(1), "test_topic", "again");
  log::warn_every(std::chrono::seconds(0), "other_topic", "x");
  log::warn_every(std::chrono::seconds(0), "other_topic", "y");
  const std::string text = captured.text();
  EXPECT_EQ(text.find("again"), std::string::npos);
  EXPECT_NE(text.find("y\n"), std::string::npos);
}

TEST(Log, InJsonALineIsAnObjectWhateverIsInIt) {
  Counter dropped;
  log::start(log::Level::kInfo, log::Format::kJson, dropped);
  Captured captured;
  log::warn("say \"a\\b\"\nc\xff");
  log::warn_every(std::chrono::seconds(0), "json_topic", "often");
  log::info(std::string(20'000, '"'));
  const std::string text = captured.text();
  EXPECT_TRUE(text.starts_with("{\"time\":\"20")) << text;
  EXPECT_NE(text.find("Z\",\"level\":\"warn\",\"message\":\"say \\\"a\\\\b\\\" c?\"}\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("\"message\":\"often\",\"topic\":\"json_topic\"}\n"), std::string::npos)
      << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3);
  EXPECT_TRUE(text.ends_with("…\"}\n")) << "what is cut is still an object";
}

TEST(Log, WhatIsBelowTheLevelIsNeitherToldNorCounted) {
  Counter dropped;
  log::start(log::Level::kInfo, log::Format::kText, dropped);
  Captured captured;
  EXPECT_FALSE(log::shows(log::Level::kDebug));
  EXPECT_TRUE(log::shows(log::Level::kInfo));
  log::debug_every(std::chrono::seconds(0), "debug_topic", "unseen");
  log::start(log::Level::kDebug, log::Format::kText, dropped);
  EXPECT_TRUE(log::shows(log::Level::kDebug));
  log::debug_every(std::chrono::hours(1), "debug_topic", "seen");
  log::debug_every(std::chrono::hours(1), "debug_topic", "too soon");
  const std::string text = captured.text();
  EXPECT_EQ(text.find("unseen"), std::string::npos) << text;
  EXPECT_NE(text.find("debug seen\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("too soon"), std::string::npos) << text;
}

TEST(Log, AReaderThatDoesNotReadCostsLinesNotTime) {
  Metrics metrics;
  log::start(log::Level::kInfo, log::Format::kText, metrics.log_lines_dropped);
  const Captured captured;  // nobody reads: the pipe fills
  for (int i = 0; i < 2'000; ++i) log::info(std::string(300, 'x'));
  EXPECT_GT(metrics.log_lines_dropped.value(), 1u);
  Counter unused;
  log::start(log::Level::kInfo, log::Format::kText, unused);
}

}  // namespace
}  // namespace kube_nflog
