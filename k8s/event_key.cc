// SPDX-License-Identifier: Apache-2.0
#include "k8s/event_key.h"

#include <span>

namespace kube_nflog {
namespace {

// FNV-1a, 64 bits (RFC 9923), then the finalizer of MurmurHash3 to spread short inputs. Every field
// is preceded by its length, so that no two lists of fields read alike.
class StableHash {
 public:
  void add(std::string_view bytes) {
    add_byte(static_cast<unsigned char>(bytes.size()));
    add_byte(static_cast<unsigned char>(bytes.size() >> 8));
    for (const char c : bytes) add_byte(static_cast<unsigned char>(c));
  }
  void add(std::uint8_t value) {
    const char c = static_cast<char>(value);
    add(std::string_view(&c, 1));
  }
  void add(std::uint16_t value) {
    add(static_cast<std::uint8_t>(value >> 8));
    add(static_cast<std::uint8_t>(value & 0xff));
  }
  void add(const IpAddr& address) {
    const std::span<const std::uint8_t> bytes = address.bytes();
    add(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }
  std::uint64_t value() const {
    std::uint64_t h = state_;
    h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdU;
    h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53U;
    return h ^ (h >> 33);
  }

 private:
  void add_byte(unsigned char byte) { state_ = (state_ ^ byte) * 0x100000001b3U; }
  std::uint64_t state_ = 0xcbf29ce484222325U;
};

}  // namespace

std::uint64_t event_key(std::string_view pod_uid, Direction direction, const DropKey& drop) {
  StableHash hash;
  hash.add(pod_uid);
  hash.add(static_cast<std::uint8_t>(direction));
  hash.add(peer_of(drop, direction));
  hash.add(drop.protocol);
  hash.add(static_cast<std::uint8_t>(drop.detail_kind));
  hash.add(drop.detail);
  hash.add(drop.cause ? std::string_view(drop.cause->clause) : std::string_view());
  if (drop.service) {  // else nothing: Events without one keep the key that they always had
    hash.add(drop.service->address);
    hash.add(drop.service->port);
  }
  return hash.value();
}

std::uint64_t shared_event_key(std::string_view pod_uid, Direction direction, DropKey drop) {
  set_peer(drop, direction, IpAddr());
  return event_key(pod_uid, direction, drop);
}

std::string event_name(const EventSubject& subject) {
  constexpr std::size_t kMaxName = 253, kSuffix = 17;
  std::string name = subject.pod.name.substr(0, kMaxName - kSuffix);
  // A label of a DNS-1123 subdomain ends in a letter or digit.
  while (!name.empty() && (name.back() == '-' || name.back() == '.')) name.pop_back();
  name += '.';
  for (int shift = 60; shift >= 0; shift -= 4) {
    name += "0123456789abcdef"[(subject.key >> shift) & 0xf];
  }
  return name;
}

}  // namespace kube_nflog
