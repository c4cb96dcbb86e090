// SPDX-License-Identifier: Apache-2.0
#include "core/cidr.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <span>
#include <system_error>

namespace kube_nflog {
namespace {

bool bit(std::span<const std::uint8_t> bytes, std::size_t i) {
  return (bytes[i / 8] >> (7 - i % 8) & 1) != 0;
}

}  // namespace

std::optional<Cidr> Cidr::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::optional<IpAddr> base = IpAddr::parse(text.substr(0, slash));
  if (!base) return std::nullopt;
  const std::size_t size = base->bytes().size() * 8;
  std::size_t bits = size;
  if (slash != std::string_view::npos) {
    const std::string_view number = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), bits);
    if (error != std::errc() || end != number.data() + number.size() || bits > size)
      return std::nullopt;
  }
  for (std::size_t i = bits; i < size; ++i)
    if (bit(base->bytes(), i)) return std::nullopt;
  return Cidr(*base, bits);
}

bool Cidr::contains(const IpAddr& ip) const {
  if (ip.is_v4() != base_.is_v4() || ip.empty()) return false;
  const std::size_t whole = bits_ / 8;
  const std::span<const std::uint8_t> a = base_.bytes(), b = ip.bytes();
  if (!std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(whole), b.begin()))
    return false;
  for (std::size_t i = whole * 8; i < bits_; ++i)
    if (bit(a, i) != bit(b, i)) return false;
  return true;
}

std::string Cidr::to_string() const { return base_.to_string() + '/' + std::to_string(bits_); }

}  // namespace kube_nflog
