// SPDX-License-Identifier: Apache-2.0
// Cidr: a range of addresses, "10.0.0.0/8" or one address. Used by core/noise for --ignore.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/ip.h"

namespace kube_nflog {

class Cidr {
 public:
  // Bits beyond the prefix must be zero: "10.0.0.1/8" is more likely a slip than a meaning.
  static std::optional<Cidr> parse(std::string_view text);

  bool contains(const IpAddr& ip) const;
  std::string to_string() const;

  bool operator==(const Cidr&) const = default;

 private:
  Cidr(const IpAddr& base, std::size_t bits) : base_(base), bits_(bits) {}
  IpAddr base_;
  std::size_t bits_ = 0;
};

}  // namespace kube_nflog
