// SPDX-License-Identifier: Apache-2.0
// IpAddr: an IPv4 or IPv6 address as a plain value: key, comparison, text.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace kube_nflog {

// IPv4 uses the first four bytes, the rest is zero, so that equality is bytewise.
class IpAddr {
 public:
  constexpr IpAddr() = default;  // "no address"
  // Network byte order, as on the wire.
  static IpAddr v4(std::span<const std::byte, 4> bytes) {
    std::array<std::uint32_t, 4> words{};  // as words: single bytes would be slow to read again
    std::memcpy(words.data(), bytes.data(), bytes.size());
    return IpAddr(std::bit_cast<std::array<std::uint8_t, 16>>(words), 4);
  }
  static IpAddr v6(std::span<const std::byte, 16> bytes) {
    std::array<std::uint8_t, 16> copy;
    std::memcpy(copy.data(), bytes.data(), bytes.size());
    return IpAddr(copy, 6);
  }
  // Strict: what inet_pton(3) takes. No zone, no port, no brackets.
  static std::optional<IpAddr> parse(std::string_view text);

  bool is_v4() const { return family_ == 4; }
  bool is_v6() const { return family_ == 6; }
  bool empty() const { return family_ == 0; }
  bool is_unspecified() const;  // 0.0.0.0 or ::
  bool is_loopback() const;
  bool is_multicast() const;
  bool is_limited_broadcast() const;  // 255.255.255.255

  std::span<const std::uint8_t> bytes() const {
    return std::span(bytes_).first(is_v4() ? 4U : is_v6() ? 16U : 0U);
  }
  // For hashing: what operator== compares, as integers.
  std::array<std::uint64_t, 2> words() const {
    return std::bit_cast<std::array<std::uint64_t, 2>>(bytes_);
  }
  std::uint8_t family() const { return family_; }
  std::string to_string() const;  // RFC 5952; "" for no address

  bool operator==(const IpAddr&) const = default;

 private:
  IpAddr(const std::array<std::uint8_t, 16>& bytes, std::uint8_t family)
      : bytes_(bytes), family_(family) {}

  std::array<std::uint8_t, 16> bytes_{};
  std::uint8_t family_ = 0;  // 4, 6, or 0 for no address
};

struct IpAddrHash {
  std::size_t operator()(const IpAddr& ip) const;
};

}  // namespace kube_nflog
