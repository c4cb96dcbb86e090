// SPDX-License-Identifier: Apache-2.0
#include "k8s/outline.h"

#include <netinet/in.h>

#include "core/printable.h"
#include "k8s/describe.h"
#include "k8s/protocol_name.h"

namespace kube_nflog {
namespace {

std::string what(const DropKey& key) {
  const auto type = static_cast<std::uint8_t>(key.detail >> 8);
  const auto code = static_cast<std::uint8_t>(key.detail & 0xff);
  switch (key.detail_kind) {
    case Detail::kPort:
      return " on port " + std::to_string(key.detail) + '/' + protocol_name(key.protocol);
    case Detail::kIcmp:
      return " over ICMP " +
             (key.protocol == IPPROTO_ICMPV6 ? icmpv6_name(type, code) : icmp_name(type, code));
    case Detail::kNone:
      break;
  }
  return key.protocol == 0 ? "" : " over protocol " + std::to_string(key.protocol);
}

}  // namespace

std::string outline(const DropSummary& drop) {
  const DropKey& key = drop.key;
  const auto end = [&key](const IpAddr& ip) {
    return ip.empty() && key.fold != Fold::kFlow ? "many addresses" : ip.to_string();
  };
  std::string text = end(key.src) + " > " + end(key.dst) + what(key);
  if (drop.interfaces) {
    const Interfaces& names = *drop.interfaces;
    if (!names.in.empty()) text.append(", in ").append(names.in.view());
    if (!names.out.empty()) text.append(", out ").append(names.out.view());
  }
  if (key.cause) text += ": " + printable(key.cause->clause, kMaxMessage);
  return text;
}

}  // namespace kube_nflog
