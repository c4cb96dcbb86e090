// SPDX-License-Identifier: Apache-2.0
// PTR records: the name to ask for, and what an answer says. Used by reverse_dns; the answer is
// hostile. All pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "core/ip.h"

namespace kube_nflog {

// 3.2.1.10.in-addr.arpa, or 32 nibbles and ip6.arpa.
std::string reverse_name(const IpAddr& ip);

struct PtrAnswer {
  std::string host;  // of several the first by the alphabet; empty: none, or none to be told
  // How long that holds, as the records say; absent: they do not.
  std::optional<std::chrono::seconds> ttl;
};

// A whole DNS message. Null: it is damaged.
std::optional<PtrAnswer> parse_ptr_answer(std::span<const std::uint8_t> message);

}  // namespace kube_nflog
