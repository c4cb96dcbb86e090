// SPDX-License-Identifier: Apache-2.0
// The values of options: text to value and back. Pure; used by core/options alone.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/cidr.h"
#include "core/noise.h"

namespace kube_nflog::option_value {

// Nothing: taken. Text: what is wrong with the value, to follow `--flag: "value" `; the target is
// then as before.
using Parsed = std::optional<std::string>;

// Another program's value as one of ours; `remark` follows `VARIABLE: "value" ` in the log where
// it means another thing than it says.
struct Mapped {
  std::string value, remark = {};
};
// A number of minutes, none that is a mistake: the nearest that is possible, else `preset`.
Mapped map_minutes(const std::string& text, std::chrono::milliseconds least,
                   std::chrono::milliseconds preset);
Mapped map_port(const std::string& text, std::uint16_t preset);

std::vector<std::string> split(const std::string& text);  // at commas
std::string join(const std::vector<std::string>& parts);

Parsed take_number(std::uint32_t& target, std::uint32_t least, const std::string& text);
Parsed take_time(std::chrono::milliseconds& target, std::chrono::milliseconds least,
                 const std::string& text);  // "500ms", "90s", "2m", "1h"
std::string print_time(std::chrono::milliseconds time);
std::string print_bytes(std::uint32_t bytes);

Parsed take_groups(std::vector<std::uint16_t>& groups, const std::string& text);
std::string print_groups(const std::vector<std::uint16_t>& groups);
Parsed take_noise(NoiseOptions& noise, const std::string& text);
std::string print_noise(const NoiseOptions& noise);
Parsed take_ignore(std::vector<Cidr>& ranges, const std::string& text);
std::string print_ignore(const std::vector<Cidr>& ranges);
Parsed take_rcvbuf(std::uint32_t& target, const std::string& text);
Parsed take_peer_name(std::string& target, const std::string& text);
Parsed take_listen(std::string& target, const std::string& text);
Parsed take_api_server(std::string& target, const std::string& text);

}  // namespace kube_nflog::option_value
