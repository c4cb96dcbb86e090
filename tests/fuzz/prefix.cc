// SPDX-License-Identifier: Apache-2.0
// Fuzz target: any prefix is judged, and what is made of it is short and fit to print.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "nflog/verdict.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kube_nflog;
  const std::string_view prefix(reinterpret_cast<const char*>(data), size);
  for (const PrefixOrigin origin : {PrefixOrigin::kNflogGroup, PrefixOrigin::kLog}) {
    const Reading reading = read_prefix(prefix, origin, {"chosen:", "star*"});
    if (origin == PrefixOrigin::kNflogGroup && reading.ruling == Ruling::kUnknown) std::abort();
    const std::string clause = reading.clause.text();
    std::string_view text = clause;
    if (text.size() > 1024) std::abort();
    constexpr std::string_view kCut = "…";
    while (!text.empty()) {
      const bool cut = text.starts_with(kCut);
      if (!cut && (text[0] < ' ' || text[0] > '~')) std::abort();
      text.remove_prefix(cut ? kCut.size() : 1);
    }
  }
  return 0;
}
