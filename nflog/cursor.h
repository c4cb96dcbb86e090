// SPDX-License-Identifier: Apache-2.0
// The only way that untrusted bytes are read: every taking may say no, and a field inside what was
// taken is addressed at compile time, so nothing can over-read. Used by packet and message.
#pragma once

#include <endian.h>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace kube_nflog {

using Bytes = std::span<const std::byte>;

// N bytes that are there, or none: test it, as a pointer, before reading. It is one on purpose: an
// optional span costs more than all the rest of decoding a record.
template <std::size_t N>
class Fixed {
 public:
  constexpr Fixed() = default;
  explicit constexpr operator bool() const { return bytes_ != nullptr; }

  // The integer at Offset in the host's order, as netlink's own headers have it. No alignment is
  // assumed.
  template <std::integral T, std::size_t Offset>
  T native() const {
    static_assert(Offset + sizeof(T) <= N);
    T value;
    std::memcpy(&value, bytes_ + Offset, sizeof value);
    return value;
  }

  // The same in wire order.
  template <std::unsigned_integral T, std::size_t Offset>
  T be() const {
    const T value = native<T, Offset>();
    if constexpr (sizeof(T) == 1) return value;
    if constexpr (sizeof(T) == 2) return be16toh(value);
    if constexpr (sizeof(T) == 4) return be32toh(value);
    if constexpr (sizeof(T) == 8) return be64toh(value);
  }

  template <std::size_t Offset, std::size_t Count>
  std::span<const std::byte, Count> part() const {
    static_assert(Offset + Count <= N);
    return std::span<const std::byte, Count>(bytes_ + Offset, Count);
  }

 private:
  template <std::size_t Count>
  friend constexpr Fixed<Count> head(Bytes bytes);
  explicit constexpr Fixed(const std::byte* bytes) : bytes_(bytes) {}
  const std::byte* bytes_ = nullptr;
};

// The first N bytes; none if there are fewer.
template <std::size_t N>
constexpr Fixed<N> head(Bytes bytes) {
  return bytes.size() < N ? Fixed<N>() : Fixed<N>(bytes.data());
}

class Cursor {
 public:
  explicit constexpr Cursor(Bytes bytes) : rest_(bytes) {}

  constexpr Bytes rest() const { return rest_; }

  template <std::size_t N>
  constexpr Fixed<N> take() {
    const Fixed<N> taken = head<N>(rest_);
    if (taken) rest_ = rest_.subspan(N);
    return taken;
  }

  // False, and nothing taken: there are fewer.
  constexpr bool take(std::size_t n, Bytes& out) {
    if (n > rest_.size()) return false;
    out = rest_.first(n);
    rest_ = rest_.subspan(n);
    return true;
  }

  constexpr void skip_up_to(std::size_t n) { rest_ = rest_.subspan(std::min(n, rest_.size())); }

 private:
  Bytes rest_;
};

}  // namespace kube_nflog
