// SPDX-License-Identifier: Apache-2.0
#include "core/start_up_pages.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <string>

#include "core/unique_fd.h"
#include "tests/fakes/temporary_directory.h"

namespace kube_nflog {
namespace {

constexpr std::size_t kSize = 1U << 20;

TEST(StartUpPages, WhatIsGivenBackIsThereAgainWhenItIsNeeded) {
  const TemporaryDirectory directory;
  directory.write("file", std::string(kSize, 'x'));
  const UniqueFd file(::open(directory.path("file").c_str(), O_RDONLY | O_CLOEXEC));
  void* const clean = ::mmap(nullptr, kSize, PROT_READ, MAP_PRIVATE, file.get(), 0);
  // As relocated constants: written, then read-only.
  void* const written = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE, file.get(), 0);
  ASSERT_NE(clean, MAP_FAILED);
  ASSERT_NE(written, MAP_FAILED);
  std::memset(written, 'y', kSize);
  ASSERT_EQ(::mprotect(written, kSize, PROT_READ), 0);

  const std::size_t told = give_back_start_up_pages();
  EXPECT_TRUE(told == 0 || told > 2 * kSize) << told;  // 0: before Linux 5.4

  EXPECT_EQ(std::string(static_cast<const char*>(clean), kSize), std::string(kSize, 'x'));
  EXPECT_EQ(std::string(static_cast<const char*>(written), kSize), std::string(kSize, 'y'));
  ::munmap(clean, kSize);
  ::munmap(written, kSize);
}

}  // namespace
}  // namespace kube_nflog
