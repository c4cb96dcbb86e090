// SPDX-License-Identifier: Apache-2.0
#include "core/ip.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <functional>

namespace kube_nflog {

std::optional<IpAddr> IpAddr::parse(std::string_view text) {
  char buffer[INET6_ADDRSTRLEN];  // inet_pton wants a terminated string
  if (text.size() >= sizeof buffer || text.find('\0') != std::string_view::npos) return {};
  *std::copy(text.begin(), text.end(), buffer) = '\0';
  IpAddr ip;
  if (inet_pton(AF_INET, buffer, ip.bytes_.data()) == 1) {
    ip.family_ = 4;
  } else if (inet_pton(AF_INET6, buffer, ip.bytes_.data()) == 1) {
    ip.family_ = 6;
  } else {
    return {};
  }
  return ip;
}

bool IpAddr::is_unspecified() const {
  return !empty() && std::all_of(bytes_.begin(), bytes_.end(), [](auto b) { return b == 0; });
}

bool IpAddr::is_loopback() const {
  if (is_v4()) return bytes_[0] == 127;
  return is_v6() && bytes_[15] == 1 &&
         std::all_of(bytes_.begin(), bytes_.end() - 1, [](auto b) { return b == 0; });
}

bool IpAddr::is_multicast() const {
  return is_v4() ? (bytes_[0] & 0xf0) == 0xe0 : is_v6() && bytes_[0] == 0xff;
}

bool IpAddr::is_limited_broadcast() const {
  return is_v4() &&
         std::all_of(bytes_.begin(), bytes_.begin() + 4, [](auto b) { return b == 255; });
}

std::string IpAddr::to_string() const {
  char buffer[INET6_ADDRSTRLEN] = "";
  if (!empty()) inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes_.data(), buffer, sizeof buffer);
  return buffer;
}

std::size_t IpAddrHash::operator()(const IpAddr& ip) const {
  const std::span<const std::uint8_t> b = ip.bytes();
  return std::hash<std::string_view>()({reinterpret_cast<const char*>(b.data()), b.size()});
}

}  // namespace kube_nflog
