// SPDX-License-Identifier: Apache-2.0
// Fuzz target: any prefix is judged, and what is made of it is short and fit to print.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "nflog/verdict.h"
#include "tests/fuzz/fit_to_print.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kube_nflog;
  const std::string_view prefix(reinterpret_cast<const char*>(data), size);
  for (const PrefixOrigin origin : {PrefixOrigin::kNflogGroup, PrefixOrigin::kLog}) {
    const Reading reading =
        read_prefix(prefix, origin, {.whole = {"chosen:", "star*"}, .word = "word"});
    if (origin == PrefixOrigin::kNflogGroup && reading.ruling == Ruling::kUnknown) std::abort();
    if (!is_fit_to_print(reading.clause.text())) std::abort();
  }
  return 0;
}
