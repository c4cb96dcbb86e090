// SPDX-License-Identifier: Apache-2.0
// What an earlier process is said to have known: whatever the bytes, what is taken of them can be
// told, and is what would be written of it.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "k8s/describe.h"
#include "k8s/event_json.h"
#include "k8s/saved_state.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kube_nflog;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  CauseTable causes;
  InterfaceTable interfaces;
  const std::optional<SavedState> state = parse_saved_state(bytes, causes, interfaces);
  if (!state) return 0;
  for (const SavedEvent& event : state->events)
    if (event_body(*event.subject, event.record, {}).empty()) std::abort();
  if (parse_saved_state(to_bytes(*state), causes, interfaces).has_value() == false) std::abort();
  return 0;
}
