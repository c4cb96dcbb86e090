// SPDX-License-Identifier: Apache-2.0
// IANA's names for protocols and ICMP messages, as people who write firewall rules know them.
// Used by describe.
#pragma once

#include <cstdint>
#include <string>

namespace kube_nflog {

std::string protocol_name(std::uint8_t protocol);  // "TCP"; the number where we know no name

// "echo-request", "port-unreachable"; "type 42 code 1" for what has no name here.
std::string icmp_name(std::uint8_t type, std::uint8_t code);    // RFC 792 and successors
std::string icmpv6_name(std::uint8_t type, std::uint8_t code);  // RFC 4443, 4861, 2710

}  // namespace kube_nflog
