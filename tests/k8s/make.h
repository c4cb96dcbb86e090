// SPDX-License-Identifier: Apache-2.0
// Small Pods, keys and Events for the tests of k8s/.
#pragma once

#include <netinet/in.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "core/drop.h"
#include "k8s/event.h"
#include "k8s/pod_index.h"

namespace kube_nflog::make {

inline IpAddr ip(std::string_view text) { return IpAddr::parse(text).value(); }

inline DropKey port_key(std::string_view src, std::string_view dst, std::uint16_t port,
                        std::uint8_t protocol = IPPROTO_TCP, const Cause* cause = nullptr) {
  DropKey key;
  key.src = ip(src);
  key.dst = ip(dst);
  key.protocol = protocol;
  key.detail_kind = Detail::kPort;
  key.detail = port;
  key.cause = cause;
  return key;
}

inline DropKey icmp_key(std::string_view src, std::string_view dst, std::uint8_t type,
                        std::uint8_t code, std::uint8_t protocol = IPPROTO_ICMP) {
  DropKey key = port_key(src, dst, static_cast<std::uint16_t>(type << 8 | code), protocol);
  key.detail_kind = Detail::kIcmp;
  return key;
}

inline Pod pod(std::string ns, std::string name, std::string uid, std::string_view address = "") {
  Pod pod;
  pod.ns = std::move(ns);
  pod.name = std::move(name);
  pod.uid = std::move(uid);
  if (!address.empty()) pod.ips.push_back(ip(address));
  return pod;
}

inline Owner owner(Pod pod) { return {std::make_shared<const Pod>(std::move(pod)), {}}; }

// 2026-08-22T10:01:02Z and so many seconds.
inline SystemTime wall(int seconds = 0) {
  return SystemTime(std::chrono::seconds(1'787'392'862 + seconds));
}

}  // namespace kube_nflog::make
