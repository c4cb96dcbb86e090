// SPDX-License-Identifier: Apache-2.0
// Cursor: the only way that untrusted bytes are read. Every take may say no, and a field inside
// what was taken is addressed at compile time, so nothing can over-read. Used by packet and
// message.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

namespace kube_nflog {

using Bytes = std::span<const std::byte>;

class Cursor {
 public:
  explicit constexpr Cursor(Bytes bytes) : rest_(bytes) {}

  constexpr Bytes rest() const { return rest_; }

  constexpr std::optional<Bytes> take(std::size_t n) {
    if (n > rest_.size()) return std::nullopt;
    const Bytes head = rest_.first(n);
    rest_ = rest_.subspan(n);
    return head;
  }

  template <std::size_t N>
  constexpr std::optional<std::span<const std::byte, N>> take() {
    if (N > rest_.size()) return std::nullopt;
    const std::span<const std::byte, N> head = rest_.first<N>();
    rest_ = rest_.subspan(N);
    return head;
  }

 private:
  Bytes rest_;
};

// The big-endian (wire order) integer at a fixed offset of a header of fixed size.
template <std::unsigned_integral T, std::size_t Offset, std::size_t N>
constexpr T be_at(std::span<const std::byte, N> header) {
  static_assert(N != std::dynamic_extent && Offset + sizeof(T) <= N);
  T value = 0;
  for (const std::byte b : header.template subspan<Offset, sizeof(T)>()) {
    value = static_cast<T>(std::uint64_t{value} << 8 | std::to_integer<std::uint64_t>(b));
  }
  return value;
}

// The same in the host's order, as netlink's own headers have it. No alignment is assumed.
template <std::integral T, std::size_t Offset, std::size_t N>
T native_at(std::span<const std::byte, N> header) {
  static_assert(N != std::dynamic_extent && Offset + sizeof(T) <= N);
  T value;
  std::memcpy(&value, header.data() + Offset, sizeof value);
  return value;
}

}  // namespace kube_nflog
