// SPDX-License-Identifier: Apache-2.0
#include "k8s/describe.h"

#include <netinet/in.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "core/printable.h"
#include "k8s/event_key.h"
#include "k8s/protocol_name.h"

namespace kube_nflog {
namespace {

constexpr std::size_t kMaxName = 320;  // namespace/name is at most 63 + 1 + 253

PodRef ref(const Pod& pod) { return {pod.ns, pod.name, pod.event_uid()}; }

// `10.96.0.17:5432`, `[fd00:10:96::11]:5432`, or, without a port, the bare address.
std::string address_and_port(const ServiceAddress& service) {
  std::string address = service.address.to_string();
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

// Sets what is said and where in it the peer stands.
void set_message(const DropKey& key, EventSubject& subject) {
  // What message_of() adds at most, of the same length for every number.
  const std::size_t room = subject.shared ? kMaxMessage - 32 : kMaxMessage;
  std::string text = subject.direction == Direction::kReceiving
                         ? "Packet dropped when receiving traffic from "
                         : "Packet dropped when sending traffic to ";
  subject.peer_begin = text.size();
  if (subject.peer_name.empty() || subject.peer_name == subject.peer_ip) {
    text += subject.peer_ip;
  } else {
    text += subject.peer_name + " (IP: " + subject.peer_ip + ')';
  }
  subject.peer_end = text.size();
  if (subject.port) {
    text += " on port " + std::to_string(*subject.port) + '/' + subject.protocol;
  } else if (!subject.icmp.empty()) {
    text += " over ICMP " + subject.icmp;
  } else if (key.protocol != 0) {
    text += " over protocol " + std::to_string(key.protocol);
  }
  if (!subject.service_address.empty()) {
    text += " (Service " + (subject.service_name.empty() ? "address" : subject.service_name) + ' ' +
            subject.service_address + ')';
  }
  if (!subject.cause.empty()) {
    text += ": " + printable(subject.cause, room - text.size() - std::string_view(": .").size());
  }
  subject.message = text + '.';
}

}  // namespace

EventSubject describe(const DropKey& key, Direction direction, const Owner& self, const Owner& peer,
                      PeerStyle style, Peers peers, const ServiceName& service) {
  EventSubject subject;
  subject.shared = peers == Peers::kMany;
  subject.pod = ref(*self.pod);
  const std::string& reader = subject.pod.ns;
  if (!subject.shared && peer.pod && may_name_pod(*peer.pod, style.detail, reader)) {
    subject.related = ref(*peer.pod);
  }
  subject.direction = direction;
  subject.peer_ip = peer_of(key, direction).to_string();
  subject.peer_name = printable(peer_name(peer, style, reader), kMaxName);
  if (key.service) {
    subject.service_address = address_and_port(*key.service);
    if (may_name_service(service, style.detail, reader)) {
      subject.service_name = service.ns + '/' + service.name;
    }
  }
  if (key.cause) subject.cause = printable(key.cause->clause, kMaxMessage);
  add_protocol(key, subject);
  set_message(key, subject);
  subject.key = subject.shared ? shared_event_key(subject.pod.uid, direction, key)
                               : event_key(subject.pod.uid, direction, key);
  return subject;
}

std::string message_of(const EventSubject& subject, const EventRecord& record) {
  const PeerCount peers = record.all_peers();
  if (!subject.shared || (peers.addresses <= 1 && peers.complete)) return subject.message;
  std::string many = std::to_string(std::min(peers.addresses, kPeersToldApart));
  many += peers.addresses == 1 ? " address" : " addresses";
  if (!peers.complete)
    many = (peers.addresses > kPeersToldApart ? "more than " : "at least ") + many;
  std::string text = subject.message;
  if (text[subject.peer_end] == ' ') text.insert(subject.peer_end, ",");
  return text.insert(subject.peer_begin, many + ", e.g. ");
}

}  // namespace kube_nflog
