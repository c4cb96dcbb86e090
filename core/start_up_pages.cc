// SPDX-License-Identifier: Apache-2.0
#include "core/start_up_pages.h"

#include <malloc.h>
#include <sys/mman.h>

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string>

namespace kube_nflog {
namespace {

#ifndef MADV_PAGEOUT
constexpr int MADV_PAGEOUT = 21;  // linux/mman-common.h
#endif

// A private mapping of a file that nobody can write to: of code and constants. Shared ones are not
// ours to judge: the journal's reader unmaps its windows at any time, and what another thread may
// have put in their place by the time we act is not in any file.
struct Constant {
  void* address = nullptr;
  std::size_t size = 0;
  bool as_in_file = true;  // never was written to: what is unmapped is read again
};

// proc(5): "7f00-7f10 r-xp 00000000 fe:00 1234  /usr/lib/…"; what has no file begins with [.
std::optional<Constant> constant_of(const std::string& line) {
  std::uintptr_t begin = 0, end = 0;
  char read = 0, write = 0, shared = 0;
  if (std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " %c%c%*c%c", &begin, &end, &read, &write,
                  &shared) != 5)
    return {};
  if (read != 'r' || write != '-' || shared != 'p' || line.find('/') == std::string::npos)
    return {};
  return Constant{.address = reinterpret_cast<void*>(begin),  // NOLINT(performance-no-int-to-ptr)
                  .size = end - begin};
}

}  // namespace

std::size_t give_back_start_up_pages() {
  ::malloc_trim(0);
  std::ifstream maps("/proc/self/smaps");
  std::size_t told = 0;
  std::optional<Constant> constant;
  for (std::string line; std::getline(maps, line);) {
    unsigned long kb = 0;
    if (std::sscanf(line.c_str(), "Anonymous: %lu", &kb) == 1 ||
        std::sscanf(line.c_str(), "Swap: %lu", &kb) == 1) {
      if (constant && kb != 0) constant->as_in_file = false;  // relocated, then made read-only
    } else if (line.starts_with("VmFlags:")) {                // a mapping's last line
      if (!constant) continue;
      if (::madvise(constant->address, constant->size, MADV_PAGEOUT) == 0) told += constant->size;
      if (constant->as_in_file) ::madvise(constant->address, constant->size, MADV_DONTNEED);
      constant.reset();
    } else if (const std::optional<Constant> next = constant_of(line)) {
      constant = next;
    }
  }
  return told;
}

}  // namespace kube_nflog
