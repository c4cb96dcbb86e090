// SPDX-License-Identifier: Apache-2.0
#include "nflog/intake.h"

#include <net/if_arp.h>

#include <algorithm>
#include <utility>

#include "nflog/conntrack.h"
#include "nflog/kube_router.h"
#include "nflog/packet.h"

namespace kube_nflog {
namespace {

constexpr std::uint8_t kFamilyIpv4 = 2;  // NFPROTO_IPV4 and NFPROTO_IPV6 of linux/netfilter.h
constexpr std::uint8_t kFamilyIpv6 = 10;

// The IP families carry nothing else; a bridge or a device carries what the record says.
std::uint16_t ether_type_of(const Record& record) {
  if (record.family == kFamilyIpv4) return kEtherTypeIpv4;
  if (record.family == kFamilyIpv6) return kEtherTypeIpv6;
  return record.ether_type;
}

// The frame's destination comes first, and the header's size is the device's, not Ethernet's.
bool is_link_broadcast(const Record& record) {
  constexpr std::uint64_t kEverybody = 0xffff'ffff'ffff;
  const auto header = head<8>(record.link_header);
  return record.link_type == ARPHRD_ETHER && header &&
         header.be<std::uint64_t, 0>() >> 16 == kEverybody;
}

}  // namespace

Intake::Intake(std::span<const std::uint16_t> groups, CauseTable& causes, Metrics& metrics)
    : causes_(causes),
      verdicts_(PrefixOrigin::kNflogGroup, {}, causes),
      flow_causes_(causes),
      metrics_(metrics) {
  for (const std::uint16_t group : groups) {
    groups_.push_back({.number = group,
                       .messages = &metrics.nflog_messages.at(group),
                       .lost_total = &metrics.nflog_lost.at(group),
                       .gap = {}});
  }
}

void Intake::take(Bytes datagram, SystemTime now, std::vector<Drop>& out) {
  DatagramReader reader(datagram);
  for (;;) {
    switch (reader.next()) {
      case DatagramReader::Item::kRecord:
        take_record(reader.record(), now, out);
        break;
      case DatagramReader::Item::kDamaged:
        ++counts_.seen;
        ++counts_.undecodable;
        break;
      case DatagramReader::Item::kAnswer:  // the requester reads those
        break;
      case DatagramReader::Item::kEnd:
        return;
    }
  }
}

void Intake::take_record(const Record& record, SystemTime now, std::vector<Drop>& out) {
  ++counts_.seen;
  const auto group = std::find_if(groups_.begin(), groups_.end(),
                                  [&](const Group& g) { return g.number == record.group; });
  if (group == groups_.end()) {  // not bound by us
    ++counts_.undecodable;
    return;
  }
  ++group->seen;
  const SystemTime time = record.time.value_or(now);
  if (const std::uint32_t lost = record.seq ? group->gap.see(*record.seq) : 0; lost != 0) {
    group->lost += lost;
    // What the kernel loses follows what it queued, so no packet was cut before the first record.
    if (group->started) join_.lost(time);
  }
  group->started = true;

  const Verdict verdict = verdicts_.of(record.prefix);
  switch (verdict.ruling) {
    case Ruling::kDrop:
      take_drop(record, verdict.cause, time, out);
      break;
    case Ruling::kHint:
      ++counts_.hints;
      join_.hint(record, verdict.cause, time);
      break;
    case Ruling::kAllow:
    case Ruling::kUnknown:  // never, of a group
      ++counts_.allowed;
      break;
  }
}

void Intake::take_drop(const Record& record, const Cause* cause, SystemTime time,
                       std::vector<Drop>& out) {
  Drop& drop = out.emplace_back();
  if (!decode_packet(ether_type_of(record), record.payload, drop)) {
    out.pop_back();
    ++counts_.undecodable;
    return;
  }
  drop.time = time;
  drop.link_broadcast = is_link_broadcast(record);
  drop.key.cause = cause;
  if (record.prefix.empty()) {
    drop.key.cause = flow_causes_.of(drop.key, site_of(record), join_.verdict(record), time);
  }
  if (causes_.is_overflow(drop.key.cause)) ++counts_.causes_left_out;
  drop.interfaces = interfaces_.of(record.physindev != 0 ? record.physindev : record.indev,
                                   record.physoutdev != 0 ? record.physoutdev : record.outdev);
  if (record.conntrack.empty()) return;
  // After the cause, which is the Pod's, whatever Service led there.
  if (const auto address = original_destination(record.conntrack, drop)) {
    drop.key.service = services_.intern(*address);
    if (drop.key.service == nullptr) ++counts_.services_left_out;
  }
}

std::uint64_t Intake::publish() {
  std::uint64_t lost = 0;
  for (Group& group : groups_) {
    if (group.seen != 0) group.messages->add(std::exchange(group.seen, 0));
    if (group.lost == 0) continue;
    lost += group.lost;
    group.lost_total->add(std::exchange(group.lost, 0));
  }
  const auto counts = std::exchange(counts_, {});
  metrics_.seen.add(counts.seen);
  metrics_.suppressed[Why::kHint].add(counts.hints);
  metrics_.suppressed[Why::kAllowed].add(counts.allowed);
  metrics_.lost[Where::kUndecodable].add(counts.undecodable);
  metrics_.lost[Where::kNetlinkOverrun].add(lost);
  metrics_.causes_left_out.add(counts.causes_left_out);
  metrics_.services_left_out.add(counts.services_left_out);
  metrics_.interfaces_left_out.add(interfaces_.take_left_out());
  const PolicyJoin::Counts hints = join_.take_counts();
  metrics_.hints[HintResult::kJoined].add(hints.joined);
  metrics_.hints[HintResult::kUnmatched].add(hints.unmatched);
  metrics_.hints[HintResult::kOverflow].add(hints.overflow);
  return lost;
}

}  // namespace kube_nflog
