// SPDX-License-Identifier: Apache-2.0
// The names of the network interfaces that a dropped packet came in by and was to leave by. Read in
// nflog/, carried by drops, told in k8s/.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace kube_nflog {

// Empty: unknown. Otherwise printable ASCII without spaces, padded with NULs.
class InterfaceName {
 public:
  static constexpr std::size_t kMax = 15;  // IFNAMSIZ without its NUL

  constexpr InterfaceName() = default;

  // None: too long, or not printable. The kernel forbids only spaces, `/` and `:`
  // (dev_valid_name()), so other names exist; nobody gives them in good faith.
  static constexpr std::optional<InterfaceName> parse(std::string_view text) {
    if (text.empty() || text.size() > kMax) return std::nullopt;
    InterfaceName name;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] <= ' ' || text[i] > '~') return std::nullopt;
      name.bytes_[i] = text[i];
    }
    return name;
  }

  constexpr bool empty() const { return bytes_[0] == '\0'; }
  constexpr std::string_view view() const {
    const auto end = std::find(bytes_.begin(), bytes_.end(), '\0');
    return {bytes_.data(), static_cast<std::size_t>(end - bytes_.begin())};
  }
  constexpr const std::array<char, kMax + 1>& bytes() const { return bytes_; }

  bool operator==(const InterfaceName&) const = default;

 private:
  std::array<char, kMax + 1> bytes_{};
};

// Bridge ports rather than the bridge, where both are known.
struct Interfaces {
  InterfaceName in, out;

  bool empty() const { return in.empty() && out.empty(); }
  bool operator==(const Interfaces&) const = default;
};

}  // namespace kube_nflog
