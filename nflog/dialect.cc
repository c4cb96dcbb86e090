// SPDX-License-Identifier: Apache-2.0
#include "nflog/dialect.h"

#include <algorithm>
#include <iterator>

namespace kube_nflog {
namespace {

char printable(char c) {
  if (c < ' ' || c > '~') return '?';
  return c == '"' ? '\'' : c;
}

}  // namespace

std::string Clause::text() const {
  std::string text;
  for (std::size_t i = 0; i < size_; ++i) {
    if (origins_[i] == Origin::kOurs) {
      text += pieces_[i];
    } else {
      std::transform(pieces_[i].begin(), pieces_[i].end(), std::back_inserter(text), printable);
    }
  }
  return text;
}

bool is_policy_name(std::string_view text) {
  constexpr std::size_t kMaxLabel = 63, kMaxSubdomain = 253;
  const auto part = [](std::string_view name, std::size_t longest, std::string_view others) {
    const bool clean = std::all_of(name.begin(), name.end(), [others](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
             others.find(c) != std::string_view::npos;
    });
    return !name.empty() && name.size() <= longest && clean;
  };
  const std::size_t slash = text.find('/');
  return slash != std::string_view::npos && part(text.substr(0, slash), kMaxLabel, "-") &&
         part(text.substr(slash + 1), kMaxSubdomain, "-.");
}

}  // namespace kube_nflog
