// SPDX-License-Identifier: Apache-2.0
// Fuzz target: whatever refusal comes back, what is told of it is short and fit to print, and it is
// the same whether it comes as an answer or as a watch's ERROR event.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/printable.h"
#include "k8s/event_json.h"
#include "k8s/pod_json.h"

namespace {

using namespace kube_nflog;

void check(bool holds) {
  if (!holds) std::abort();
}
bool is_fit(std::string_view text, std::size_t limit) {
  return text.size() <= limit && printable(text, limit + 3) == text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const ApiStatus status = parse_status(text);
  check(is_fit(status.message, 512) && is_fit(status.reason, 512));
  check(status.code >= 0 && status.code < 1'000);
  check(is_fit(explain_answer(text), 300));
  if (status.code == 0 && status.reason.empty()) return 0;
  const Result<WatchLine> line =
      parse_watch_line(R"({"type":"ERROR","object":)" + std::string(text) + "}", "");
  check(line && line->type == WatchType::kError);
  check(line->status.code == status.code && line->status.reason == status.reason);
  return 0;
}
