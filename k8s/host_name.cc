// SPDX-License-Identifier: Apache-2.0
#include "k8s/host_name.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "k8s/names.h"

namespace kube_nflog {
namespace {

constexpr std::string_view kCluster = "svc";

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_inner(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), is_inner);
}

// The first labels; those that are not there are empty.
std::array<std::string_view, 4> first_labels(std::string_view host) {
  std::array<std::string_view, 4> labels;
  for (std::string_view& label : labels) {
    const std::size_t dot = host.find('.');
    label = host.substr(0, dot);
    host = dot == std::string_view::npos ? std::string_view() : host.substr(dot + 1);
  }
  return labels;
}

bool is_private(const IpAddr& ip) {
  const std::span<const std::uint8_t> b = ip.bytes();
  if (ip.is_v6()) return (b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80);
  if (!ip.is_v4()) return false;
  return b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168) ||
         (b[0] == 100 && (b[1] & 0xc0) == 64) || (b[0] == 169 && b[1] == 254);
}

}  // namespace

bool is_host_name(std::string_view text) {
  if (text.size() > 253) return false;
  for (std::size_t labels = 1;; ++labels) {
    const std::size_t dot = text.find('.');
    const std::string_view label = text.substr(0, dot);
    if (!is_label(label)) return false;
    if (dot == std::string_view::npos) {
      return labels >= 2 && !std::all_of(label.begin(), label.end(), is_digit);
    }
    text.remove_prefix(dot + 1);
  }
}

std::string clean_host_name(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (!is_host_name(text)) return {};
  std::string name(text);
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return name;
}

ServiceName service_of_host(std::string_view host) {
  const std::array<std::string_view, 4> labels = first_labels(host);
  const std::size_t at = labels[2] == kCluster ? 0 : 1;
  if (labels[at + 2] != kCluster || !is_dns_label(labels[at]) || !is_dns_label(labels[at + 1])) {
    return {};
  }
  return {std::string(labels[at + 1]), std::string(labels[at])};
}

bool is_service_host(std::string_view host) {
  return first_labels(host)[2] == kCluster && !service_of_host(host).empty();
}

bool is_believable(std::string_view host, const IpAddr& ip) {
  return is_private(ip) || (service_of_host(host).empty() && !host.ends_with(".cluster.local"));
}

}  // namespace kube_nflog
