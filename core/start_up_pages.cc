// SPDX-License-Identifier: Apache-2.0
#include "core/start_up_pages.h"

#include <malloc.h>
#include <sys/mman.h>

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>

namespace kube_nflog {
namespace {

#ifndef MADV_PAGEOUT
constexpr int MADV_PAGEOUT = 21;  // linux/mman-common.h
#endif

}  // namespace

std::size_t give_back_start_up_pages() {
  ::malloc_trim(0);
  std::ifstream maps("/proc/self/maps");
  std::size_t told = 0;
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t begin = 0, end = 0;
    char read = 0, write = 0;
    // proc(5): "7f00-7f10 r-xp 00000000 fe:00 1234  /usr/lib/…"; what has no file begins with [.
    if (std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " %c%c", &begin, &end, &read, &write) !=
        4)
      continue;
    if (read != 'r' || write != '-' || line.find('/') == std::string::npos) continue;
    void* const address = reinterpret_cast<void*>(begin);  // NOLINT(performance-no-int-to-ptr)
    if (::madvise(address, end - begin, MADV_PAGEOUT) == 0) told += end - begin;
  }
  return told;
}

}  // namespace kube_nflog
