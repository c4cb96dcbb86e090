// SPDX-License-Identifier: Apache-2.0
#include "core/start_up_pages.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <string>

#include "core/unique_fd.h"
#include "tests/fakes/temporary_directory.h"

namespace kube_nflog {
namespace {

constexpr std::size_t kSize = 1U << 20, kPage = 4096;

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

bool is_resident(const void* page) {  // by the highest bit of its entry, pagemap.rst
  std::uint64_t entry = 0;
  const UniqueFd map(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  const auto at = reinterpret_cast<std::uintptr_t>(page) / kPage * sizeof entry;
  return ::pread(map.get(), &entry, sizeof entry, static_cast<off_t>(at)) == sizeof entry &&
         (entry >> 63) != 0;
}

TEST(StartUpPages, WhatAnotherProcessUsesIsUnmapped) {
  const TemporaryDirectory directory;
  directory.write("file", std::string(kSize, 'x'));
  const UniqueFd file(::open(directory.path("file").c_str(), O_RDONLY | O_CLOEXEC));
  void* const mapped = ::mmap(nullptr, kSize, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file.get(), 0);
  ASSERT_NE(mapped, MAP_FAILED);
  int ready[2], over[2];
  ASSERT_EQ(::pipe2(ready, O_CLOEXEC), 0);
  ASSERT_EQ(::pipe2(over, O_CLOEXEC), 0);
  const pid_t other = ::fork();
  if (other == 0) {
    ::close(over[1]);
    char byte = *static_cast<const volatile char*>(mapped);
    (void)!::write(ready[1], &byte, 1);
    (void)!::read(over[0], &byte, 1);
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ASSERT_TRUE(is_resident(mapped));
  give_back_start_up_pages();
  EXPECT_FALSE(is_resident(mapped));
  ::close(over[1]);
  ::waitpid(other, nullptr, 0);
  for (const int end : {ready[0], ready[1], over[0]}) ::close(end);
  ::munmap(mapped, kSize);
}

}  // namespace
}  // namespace kube_nflog
