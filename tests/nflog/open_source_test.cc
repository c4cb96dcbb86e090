// SPDX-License-Identifier: Apache-2.0
// The choice of the source, where NFLOG cannot be had: in a child without capabilities.
#include "nflog/open_source.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "nflog/privileges.h"
#include "tests/nflog/child.h"

namespace kube_nflog {
namespace {

class OpenSourceTest : public ::testing::Test {
 protected:
  // Runs in the child: what `check` says of open_source() with these options.
  bool unprivileged(const std::function<bool(Result<OpenedSource>&)>& check) {
    return test::in_child([&] {
      if (!drop_capabilities(Keep::kNothing)) return false;
      auto opened = open_source(options, causes, metrics);
      const bool good = check(opened);
      if (!good && !opened) std::fprintf(stderr, "%s\n", opened.error().what.c_str());
      return good;
    });
  }
  bool active(SourceKind kind) { return metrics.source_active[kind].value() == 1; }

  const std::string existing = FIXTURES "nflog/k3s-two-policies.txt";
  Options options;
  CauseTable causes;
  Metrics metrics{options.nflog_groups};
};

TEST_F(OpenSourceTest, AutoFallsBackToTheLogFile) {
  options.log_file = existing;
  EXPECT_TRUE(unprivileged([&](auto& opened) {
    return opened && opened->source->name() == "file" && active(SourceKind::kFile) &&
           !active(SourceKind::kNflog);
  }));
}

TEST_F(OpenSourceTest, AutoWithoutEitherGivesBothReasonsAndNflogsExit) {
  options.log_file = "/nonexistent/iptables.log";
  EXPECT_TRUE(unprivileged([&](auto& opened) {
    return !opened && opened.error().exit == Exit::kNoPermission &&
           opened.error().what.find("NET_ADMIN") != std::string::npos &&
           opened.error().what.find(options.log_file) != std::string::npos;
  }));
}

TEST_F(OpenSourceTest, AutoWithoutALogFileSaysThatNoneIsGiven) {
  EXPECT_TRUE(unprivileged([&](auto& opened) {
    return !opened && opened.error().exit == Exit::kNoPermission &&
           opened.error().what.find("--log-file") != std::string::npos;
  }));
}

TEST_F(OpenSourceTest, AskedForNflogItDoesNotTakeTheFile) {
  options.source = SourceChoice::kNflog;
  options.log_file = existing;
  EXPECT_TRUE(unprivileged(
      [](auto& opened) { return !opened && opened.error().exit == Exit::kNoPermission; }));
}

TEST_F(OpenSourceTest, AskedForTheFileItTakesTheFile) {
  options.source = SourceChoice::kFile;
  options.log_file = existing;
  EXPECT_TRUE(unprivileged([&](auto& opened) { return opened && active(SourceKind::kFile); }));
}

}  // namespace
}  // namespace kube_nflog
