// SPDX-License-Identifier: Apache-2.0
#include "k8s/ptr_record.h"

#include <arpa/nameser.h>
#include <resolv.h>

#include <algorithm>
#include <array>

#include "k8s/host_name.h"

namespace kube_nflog {
namespace {

constexpr int kMaxRecords = 64;  // of a section; further ones are not looked at

// RFC 2181: a TTL of more than 31 bits counts as 0.
std::chrono::seconds as_ttl(std::uint32_t seconds) {
  return std::chrono::seconds(seconds > 0x7fffffffU ? 0U : seconds);
}

std::string host_of(ns_msg& message, const ns_rr& record) {
  std::array<char, NS_MAXDNAME> name{};  // unprintable bytes come as \DDD, which is no host name
  if (ns_name_uncompress(ns_msg_base(message), ns_msg_end(message), ns_rr_rdata(record),
                         name.data(), name.size()) < 0) {
    return {};
  }
  return clean_host_name(name.data());
}

// How long it holds that there is none: RFC 2308, the less of the SOA's TTL and its last field.
std::optional<std::chrono::seconds> negative_ttl(ns_msg& message) {
  constexpr std::uint16_t kMinimum = 4;
  const int count = std::min<int>(ns_msg_count(message, ns_s_ns), kMaxRecords);
  for (int i = 0; i < count; ++i) {
    ns_rr record;
    if (ns_parserr(&message, ns_s_ns, i, &record) != 0) return {};
    if (ns_rr_type(record) != ns_t_soa || ns_rr_rdlen(record) < kMinimum) continue;
    const std::uint8_t* const last = ns_rr_rdata(record) + ns_rr_rdlen(record) - kMinimum;
    return std::min(as_ttl(ns_rr_ttl(record)), as_ttl(static_cast<std::uint32_t>(ns_get32(last))));
  }
  return {};
}

}  // namespace

std::string reverse_name(const IpAddr& ip) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string name;
  const std::span<const std::uint8_t> bytes = ip.bytes();
  for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte) {
    if (ip.is_v4()) {
      name += std::to_string(*byte) + '.';
    } else {
      name += {kHex[*byte & 15], '.', kHex[*byte >> 4], '.'};
    }
  }
  return name + (ip.is_v4() ? "in-addr.arpa" : "ip6.arpa");
}

std::optional<PtrAnswer> parse_ptr_answer(std::span<const std::uint8_t> bytes) {
  ns_msg message;
  if (bytes.size() > NS_MAXMSG ||
      ns_initparse(bytes.data(), static_cast<int>(bytes.size()), &message) != 0) {
    return {};
  }
  PtrAnswer answer;
  const int count = std::min<int>(ns_msg_count(message, ns_s_an), kMaxRecords);
  for (int i = 0; i < count; ++i) {
    ns_rr record;
    if (ns_parserr(&message, ns_s_an, i, &record) != 0) return {};
    const std::chrono::seconds ttl = as_ttl(ns_rr_ttl(record));
    answer.ttl = std::min(answer.ttl.value_or(ttl), ttl);
    if (ns_rr_type(record) != ns_t_ptr) continue;  // an alias on the way (RFC 2317)
    std::string host = host_of(message, record);
    // Servers turn the order round; the Event's name is to stay.
    if (!host.empty() && (answer.host.empty() || host < answer.host)) answer.host = std::move(host);
  }
  if (!answer.ttl) answer.ttl = negative_ttl(message);
  return answer;
}

}  // namespace kube_nflog
