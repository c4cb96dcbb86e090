// SPDX-License-Identifier: Apache-2.0
// The choice of the source, where NFLOG cannot be had: in a child without capabilities.
#include "nflog/open_source.h"

#include <gmock/gmock.h>
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

TEST_F(OpenSourceTest, AutoGoesOnToTheKernelLogAndElseGivesEveryReasonAndNflogsExit) {
  // Whether the kernel log may be read is up to this machine: kernel.dmesg_restrict.
  for (const std::string path : {"", "/nonexistent/iptables.log"}) {
    options.log_file = path;
    EXPECT_TRUE(unprivileged([&](auto& opened) {
      if (opened) return opened->source->name() == "kmsg" && active(SourceKind::kKmsg);
      const auto says = [&](const std::string& word) {
        return opened.error().what.find(word) != std::string::npos;
      };
      return opened.error().exit == Exit::kNoPermission && says("NET_ADMIN") &&
             says(path.empty() ? "--log-file is not given" : path) && says("/dev/kmsg");
    })) << path;
  }
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

// A source that reads nothing, so that the choice alone is looked at.
class NoSource : public DropSource {
 public:
  std::string_view name() const override { return "none"; }
  int fd() const override { return -1; }
  Result<> read(std::vector<Drop>&) override { return {}; }
};

struct Choice {
  std::string tried;
  Candidate opens(const std::string& name) {
    return {name, [this, name]() -> Result<OpenedSource> {
              tried += name + " ";
              return OpenedSource{std::make_unique<NoSource>(), Keep::kNetAdmin};
            }};
  }
  Candidate fails(const std::string& name, Exit exit) {
    return {name, [this, name, exit]() -> Result<OpenedSource> {
              tried += name + " ";
              return fail("No " + name + ".", exit);
            }};
  }
};

TEST(OpenFirst, TakesTheFirstThatOpensAndTriesNoOther) {
  Choice choice;
  const Candidate first[] = {choice.opens("a"), choice.opens("b")};
  EXPECT_TRUE(open_first(first));
  const Candidate last[] = {choice.fails("c", Exit::kBusy), choice.fails("d", Exit::kNoInput),
                            choice.opens("e"), choice.opens("f")};
  const auto opened = open_first(last);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->keep, Keep::kNetAdmin);
  EXPECT_EQ(choice.tried, "a c d e ");
}

TEST(OpenFirst, SaysInsteadOfWhatAndWhy) {
  Choice choice;
  const Candidate candidates[] = {choice.fails("a", Exit::kBusy), choice.fails("b", Exit::kNoInput),
                                  choice.opens("c")};
  ::testing::internal::CaptureStderr();
  ASSERT_TRUE(open_first(candidates));
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              ::testing::HasSubstr("Reading c instead of a: what is logged there alone is not "
                                   "seen. No a. No b."));
}

TEST(OpenFirst, WithoutAnyTheErrorHasEveryReasonAndTheFirstsExit) {
  Choice choice;
  const Candidate candidates[] = {choice.fails("a", Exit::kBusy), choice.fails("b", Exit::kNoInput),
                                  choice.fails("c", Exit::kNoPermission)};
  const auto opened = open_first(candidates);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().what, "No a. No b. No c.");
  EXPECT_EQ(opened.error().exit, Exit::kBusy);
}

}  // namespace
}  // namespace kube_nflog
