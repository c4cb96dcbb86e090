// SPDX-License-Identifier: Apache-2.0
#include "k8s/describe.h"

#include <netinet/in.h>

#include <string>
#include <string_view>

#include "k8s/event_key.h"
#include "k8s/printable.h"
#include "k8s/protocol_name.h"

namespace kube_nflog {
namespace {

constexpr std::size_t kMaxName = 320;  // namespace/name is at most 63 + 1 + 253

std::string name_of(const Owner& owner, PeerNaming::By naming) {
  if (owner.pod) return printable(peer_name(*owner.pod, naming), kMaxName);
  return printable(owner.node, kMaxName);
}

PodRef ref(const Owner& owner) {
  if (!owner.pod) return {};
  return {owner.pod->ns, owner.pod->name, owner.pod->event_uid()};
}

// `10.96.0.17:5432`, `[fd00:10:96::11]:5432`, or, without a port, the bare address.
std::string address_and_port(const ServiceAddress& service) {
  const std::string address = service.address.to_string();
  if (service.port == 0) return address;
  return (service.address.is_v6() ? '[' + address + ']' : address) + ':' +
         std::to_string(service.port);
}

void add_protocol(const DropKey& key, EventSubject& subject) {
  const auto type = static_cast<std::uint8_t>(key.detail >> 8);
  const auto code = static_cast<std::uint8_t>(key.detail & 0xff);
  if (key.protocol != 0) subject.protocol = protocol_name(key.protocol);
  if (key.detail_kind == Detail::kPort) subject.port = key.detail;
  if (key.detail_kind == Detail::kIcmp) {
    subject.icmp = key.protocol == IPPROTO_ICMPV6 ? icmpv6_name(type, code) : icmp_name(type, code);
  }
}

std::string message(const DropKey& key, const EventSubject& subject) {
  std::string text = subject.direction == Direction::kReceiving
                         ? "Packet dropped when receiving traffic from "
                         : "Packet dropped when sending traffic to ";
  if (key.fold != Fold::kFlow) {
    text += "many addresses";
  } else if (subject.peer_name.empty() || subject.peer_name == subject.peer_ip) {
    text += subject.peer_ip;
  } else {
    text += subject.peer_name + " (IP: " + subject.peer_ip + ')';
  }
  if (subject.port) {
    text += " on port " + std::to_string(*subject.port) + '/' + subject.protocol;
  } else if (!subject.icmp.empty()) {
    text += " over ICMP " + subject.icmp;
  } else if (key.protocol != 0) {
    text += " over protocol " + std::to_string(key.protocol);
  }
  if (!subject.service_address.empty()) {
    text += " (Service address " + subject.service_address + ')';
  }
  if (!subject.cause.empty()) {
    text +=
        ": " + printable(subject.cause, kMaxMessage - text.size() - std::string_view(": .").size());
  }
  return text + '.';
}

EventSubject subject_of(const DropKey& key, Direction direction, const Owner& self,
                        const Owner& peer, PeerNaming::By naming) {
  EventSubject subject;
  subject.pod = ref(self);
  subject.related = ref(peer);
  subject.direction = direction;
  subject.peer_ip = (direction == Direction::kReceiving ? key.src : key.dst).to_string();
  subject.peer_name = name_of(peer, naming);
  if (key.service) subject.service_address = address_and_port(*key.service);
  if (key.cause) subject.cause = printable(key.cause->clause, kMaxMessage);
  add_protocol(key, subject);
  subject.message = message(key, subject);
  subject.key = event_key(subject.pod.uid, direction, key);
  return subject;
}

}  // namespace

Described describe(const DropKey& key, const Owner& source, const Owner& destination,
                   PeerNaming::By naming) {
  Described out;
  if (destination.pod) {
    out.receiving = subject_of(key, Direction::kReceiving, destination, source, naming);
  }
  if (source.pod) {
    out.sending = subject_of(key, Direction::kSending, source, destination, naming);
  }
  return out;
}

}  // namespace kube_nflog
