// SPDX-License-Identifier: Apache-2.0
// Fuzz target: any datagram through decode, verdict and counting keeps the ledger.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "nflog/intake.h"
#include "tests/fuzz/fit_to_print.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kube_nflog;
  static constexpr std::uint16_t kGroups[] = {86, 100};
  Metrics metrics(kGroups);
  CauseTable causes;
  Intake intake(kGroups, causes, metrics);
  std::vector<Drop> drops;
  intake.take(std::as_bytes(std::span(data, size)), SystemTime{}, drops);
  intake.publish();
  const std::uint64_t told = drops.size() + metrics.suppressed[Why::kHint].value() +
                             metrics.suppressed[Why::kAllowed].value() +
                             metrics.lost[Where::kUndecodable].value();
  if (metrics.seen.value() != told) std::abort();
  for (const Drop& drop : drops) {
    if (drop.key.src.empty() || drop.key.dst.empty()) std::abort();
    if (drop.key.cause != nullptr && !is_fit_to_print(drop.key.cause->clause)) std::abort();
  }
  return 0;
}
