// SPDX-License-Identifier: Apache-2.0
#include "core/option_value.h"

#include <algorithm>
#include <charconv>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

#include "core/ip.h"

namespace kube_nflog::option_value {
namespace {

using std::chrono::milliseconds;

template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// As Go's strconv.Atoi takes them.
std::optional<std::int64_t> peer_number(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  return number<std::int64_t>(text);
}

constexpr milliseconds kLongest = std::chrono::hours(24);  // beyond any use, and no sum overflows

struct Unit {
  std::string_view name;
  std::int64_t factor;
};
constexpr Unit kTimeUnits[] = {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}};
constexpr Unit kByteUnits[] = {{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"", 1}};

// "90s", "8MiB": a whole number and its unit.
template <std::size_t N>
std::optional<std::int64_t> with_unit(std::string_view text, const Unit (&units)[N]) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::optional<std::int32_t> n = number<std::int32_t>(text.substr(0, digits));
  for (const Unit& unit : units)
    if (n && text.substr(digits) == unit.name) return *n * unit.factor;
  return std::nullopt;
}

template <std::size_t N>
std::string in_largest_unit(std::int64_t n, const Unit (&units)[N]) {
  const Unit* best = nullptr;
  for (const Unit& unit : units)
    if (n % unit.factor == 0 && (best == nullptr || unit.factor > best->factor)) best = &unit;
  return best == nullptr ? std::to_string(n)
                         : std::to_string(n / best->factor) + std::string(best->name);
}

template <class T>
std::string joined(const std::vector<T>& parts) {
  std::ostringstream out;
  for (std::size_t i = 0; i < parts.size(); ++i) out << (i == 0 ? "" : ",") << parts[i];
  return out.str();
}

struct NoiseKind {
  std::string_view name;
  bool NoiseOptions::*report;
};
constexpr NoiseKind kNoiseKinds[] = {{"mid-stream", &NoiseOptions::report_mid_stream},
                                     {"dhcp", &NoiseOptions::report_dhcp},
                                     {"mdns", &NoiseOptions::report_mdns},
                                     {"multicast", &NoiseOptions::report_multicast},
                                     {"broadcast", &NoiseOptions::report_broadcast}};

}  // namespace

Mapped map_minutes(const std::string& text, milliseconds least, milliseconds preset) {
  const std::optional<std::int64_t> n = peer_number(text);
  if (!n) {
    const std::string value = print_time(preset);
    return {value, "is not a whole number: the default is in force, " + value};
  }
  constexpr std::int64_t kMost = std::chrono::duration_cast<std::chrono::minutes>(kLongest).count();
  const std::string value = print_time(std::clamp<milliseconds>(
      std::chrono::minutes(std::clamp<std::int64_t>(*n, 0, kMost)), least, kLongest));
  if (*n > kMost) return {value, "is more than the most, which is in force: " + value};
  if (*n <= 0) return {value, "is less than the least, which is in force: " + value};
  return {value};
}

Mapped map_port(const std::string& text, std::uint16_t preset) {
  const std::int64_t port = peer_number(text).value_or(0);
  if (port > 0 && port <= UINT16_MAX) return {std::to_string(port)};
  const std::string value = std::to_string(preset);
  return {value, "is not a port: the default is in force, " + value};
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, ',');) parts.push_back(part);
  return parts;
}

std::string join(const std::vector<std::string>& parts) { return joined(parts); }

Parsed take_number(std::uint32_t& target, std::uint32_t least, const std::string& text) {
  constexpr std::uint32_t kMost = 10'000;  // times a day in nanoseconds: fits 64 bits
  const std::optional<std::uint32_t> value = number<std::uint32_t>(text);
  if (!value || *value < least || *value > kMost)
    return "is not a whole number from " + std::to_string(least) + " to " + std::to_string(kMost);
  target = *value;
  return {};
}

Parsed take_time(milliseconds& target, milliseconds least, const std::string& text) {
  const std::optional<std::int64_t> ms = with_unit(text, kTimeUnits);
  if (!ms) return "is not a time such as 500ms, 90s, 2m or 1h";
  if (milliseconds(*ms) < least) return "is too short: the least is " + print_time(least);
  if (milliseconds(*ms) > kLongest) return "is too long: the most is " + print_time(kLongest);
  target = milliseconds(*ms);
  return {};
}

std::string print_time(milliseconds time) { return in_largest_unit(time.count(), kTimeUnits); }

std::string print_bytes(std::uint32_t bytes) { return in_largest_unit(bytes, kByteUnits); }

Parsed take_groups(std::vector<std::uint16_t>& groups, const std::string& text) {
  std::vector<std::uint16_t> taken;
  for (const std::string& part : split(text)) {
    const std::optional<std::uint16_t> group = number<std::uint16_t>(part);
    if (!group) return "is not a list of group numbers (0-65535) such as 100 or 86,100";
    if (std::find(taken.begin(), taken.end(), *group) == taken.end()) taken.push_back(*group);
  }
  if (taken.empty()) return "names no group";
  groups = std::move(taken);
  return {};
}

std::string print_groups(const std::vector<std::uint16_t>& groups) { return joined(groups); }

Parsed take_noise(NoiseOptions& noise, const std::string& text) {
  NoiseOptions taken;
  for (const std::string& part : split(text)) {
    const auto* const kind = std::find_if(std::begin(kNoiseKinds), std::end(kNoiseKinds),
                                          [&](const NoiseKind& k) { return k.name == part; });
    if (kind == std::end(kNoiseKinds))
      return "is not a list of mid-stream, dhcp, mdns, multicast, broadcast";
    taken.*kind->report = true;
  }
  taken.ignore = std::move(noise.ignore);
  noise = std::move(taken);
  return {};
}

std::string print_noise(const NoiseOptions& noise) {
  std::vector<std::string_view> names;
  for (const NoiseKind& kind : kNoiseKinds)
    if (noise.*kind.report) names.push_back(kind.name);
  return joined(names);
}

Parsed take_ignore(std::vector<Cidr>& ranges, const std::string& text) {
  std::vector<Cidr> taken;
  for (const std::string& part : split(text)) {
    const std::optional<Cidr> range = Cidr::parse(part);
    if (!range) return "is not a list of addresses or ranges such as 10.0.0.0/8,fd00::1";
    taken.push_back(*range);
  }
  ranges = std::move(taken);
  return {};
}

std::string print_ignore(const std::vector<Cidr>& ranges) {
  std::vector<std::string> texts;
  texts.reserve(ranges.size());
  for (const Cidr& range : ranges) texts.push_back(range.to_string());
  return joined(texts);
}

Parsed take_rcvbuf(std::uint32_t& target, const std::string& text) {
  const std::optional<std::int64_t> bytes = with_unit(text, kByteUnits);
  if (!bytes || *bytes < (64 << 10) || *bytes > (1 << 30))
    return "is not a size from 64KiB to 1024MiB";
  target = static_cast<std::uint32_t>(*bytes);
  return {};
}

Parsed take_peer_name(std::string& target, const std::string& text) {
  const bool label = text.starts_with("label:") && text.size() > 6;
  if (text != "workload" && text != "name" && text != "namespace" && !label)
    return "is none of workload|name|namespace|label:KEY";
  target = text;
  return {};
}

// ADDR:PORT, [v6]:PORT or :PORT (all addresses).
Parsed take_listen(std::string& target, const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (!text.empty()) {
    const std::string host = colon == std::string::npos ? "" : text.substr(0, colon);
    const bool v6 = host.size() > 2 && host.front() == '[' && host.back() == ']' &&
                    IpAddr::parse(host.substr(1, host.size() - 2)).has_value();
    const bool v4 = IpAddr::parse(host).has_value() && host.find(':') == std::string::npos;
    const bool port = colon != std::string::npos &&
                      number<std::uint16_t>(text.substr(colon + 1)).value_or(0) != 0;
    if (!port || !(v4 || v6))
      return "is not ADDR:PORT such as 127.0.0.1:9478 or [::1]:9478, for this node alone, or "
             "0.0.0.0:9478, for everyone who reaches it";
  }
  target = text;
  return {};
}

Parsed take_api_server(std::string& target, const std::string& text) {
  if (!text.empty() && !text.starts_with("https://") && !text.starts_with("http://"))
    return "is not a URL such as https://10.96.0.1:443";
  target = text;
  return {};
}

}  // namespace kube_nflog::option_value
