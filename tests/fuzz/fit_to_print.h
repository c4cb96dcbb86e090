// SPDX-License-Identifier: Apache-2.0
// What fuzz targets demand of text that is told: short, printable ASCII, and the sign for what was
// cut.
#pragma once

#include <cstddef>
#include <string_view>

namespace kube_nflog {

inline bool is_fit_to_print(std::string_view text) {
  constexpr std::size_t kLongest = 1024;
  constexpr std::string_view kCut = "…";
  if (text.size() > kLongest) return false;
  while (!text.empty()) {
    const bool cut = text.starts_with(kCut);
    if (!cut && (text[0] < ' ' || text[0] > '~')) return false;
    text.remove_prefix(cut ? kCut.size() : 1);
  }
  return true;
}

}  // namespace kube_nflog
