// SPDX-License-Identifier: Apache-2.0
#include "k8s/locator.h"

#include <iterator>
#include <utility>

#include "k8s/event_key.h"
#include "k8s/lookup_cache.h"
#include "k8s/pod_index.h"

namespace kube_nflog {
namespace {

const IpAddr& address_of(const DropKey& key, Owner Ends::*end) {
  return end == &Ends::source ? key.src : key.dst;
}

bool is_open(const Owner& owner, const IpAddr& ip) {
  return !owner.known() && may_have_an_owner(ip);
}

// No Pod that is yet to be heard of can change that.
bool is_certain(const Owner& owner) { return owner.known() && !owner.former; }

bool is_settled(const DropKey& key, const Ends& ends) {
  return (is_certain(ends.source) || !may_have_an_owner(key.src)) &&
         (is_certain(ends.destination) || !may_have_an_owner(key.dst));
}

}  // namespace

Locator::Locator(PodIndex& pods, Lookups lookups, Located located, LocatorOptions options)
    : pods_(pods), lookups_(lookups), located_(std::move(located)), options_(options) {}

void Locator::locate_peer(const DropSummary& drop, Ends ends, Direction told, const Moment& now) {
  const IpAddr& peer = peer_of(drop.key, told);
  if (lookups_.pods && waiting_.size() < options_.capacity && may_have_an_owner(peer) &&
      lookups_.pods->can_spare(peer, now.steady)) {
    wait_for(drop, std::move(ends), told, now);
  }
}

void Locator::wait_for(const DropSummary& drop, Ends ends, Told told, const Moment& now) {
  const DropKey& key = drop.key;
  const bool source_open = is_open(ends.source, key.src);
  const bool destination_open = is_open(ends.destination, key.dst);
  const bool for_a_pod = !is_settled(key, ends) && pods_.expects_addresses(now.steady);
  // Who is asked only whether there is one more Pod to tell takes the Service as it is known.
  const bool ask_service = key.service != nullptr && !told;
  const int answers_due = int{source_open} + int{destination_open} + int{ask_service};
  if ((answers_due == 0 && !for_a_pod) || waiting_.size() >= options_.capacity) {
    ends.service = recall_service(key, now.steady);
    return located_(drop, ends, told);
  }
  const Id id = next_id_++;
  waiting_.emplace(id, Waiting{drop, std::move(ends), told, now.steady + options_.bound,
                               answers_due + 1, for_a_pod});
  if (source_open) ask_for_end(id, &Ends::source, Stage::kPods, now.steady);
  if (destination_open) ask_for_end(id, &Ends::destination, Stage::kPods, now.steady);
  if (ask_service) ask_for_service(id, Stage::kServices, now.steady);
  answered(id);  // the one that is due from here: so that all are asked before any is handed on
}

// Asks whoever is next, from `stage` on, until one knows.
void Locator::ask_for_end(Id id, Owner Ends::*end, Stage stage, SteadyTime now) {
  const auto it = waiting_.find(id);
  if (it == waiting_.end()) return;                              // handed on meanwhile
  const bool peer_may_be_a_service = end == &Ends::destination;  // which sends nothing itself
  const bool only_pods = it->second.told.has_value();
  while (stage != Stage::kNone &&
         (!whom(stage) || (stage == Stage::kServices && !peer_may_be_a_service) ||
          (stage != Stage::kPods && only_pods))) {
    stage = after(stage);
  }
  if (stage == Stage::kNone) return answered(id);
  const IpAddr ip = address_of(it->second.drop.key, end);
  whom(stage)->resolve(ip, now, [this, id, end, stage, now](const Owner& owner) {
    const auto waiting = waiting_.find(id);
    if (waiting == waiting_.end()) return;
    if (!owner.known()) {
      return ask_for_end(id, end, after(stage), now);
    }
    if (!is_certain(waiting->second.ends.*end)) waiting->second.ends.*end = owner;
    answered(id);
  });
}

void Locator::ask_for_service(Id id, Stage stage, SteadyTime now) {
  const auto it = waiting_.find(id);
  if (it == waiting_.end()) return;
  if (stage == Stage::kServices && !whom(stage)) stage = Stage::kDns;
  if (stage == Stage::kNone || !whom(stage)) return answered(id);
  const IpAddr ip = it->second.drop.key.service->address;
  whom(stage)->resolve(ip, now, [this, id, stage, now](const Owner& owner) {
    const auto waiting = waiting_.find(id);
    if (waiting == waiting_.end()) return;
    if (owner.service.empty() && stage == Stage::kServices) {
      return ask_for_service(id, Stage::kDns, now);
    }
    waiting->second.ends.service = owner.service;
    answered(id);
  });
}

void Locator::answered(Id id) {
  const auto it = waiting_.find(id);
  if (it == waiting_.end() || --it->second.answers_due > 0) return;
  if (!it->second.for_a_pod || is_settled(it->second.drop.key, it->second.ends)) hand_on(it);
}

void Locator::hand_on(std::map<Id, Waiting>::iterator it) {
  const Waiting done = std::move(it->second);
  waiting_.erase(it);
  located_(done.drop, done.ends, done.told);
}

LookupCache* Locator::whom(Stage stage) const {
  switch (stage) {
    case Stage::kPods:
      return lookups_.pods;
    case Stage::kServices:
      return lookups_.services;
    case Stage::kDns:
      return lookups_.dns;
    case Stage::kNone:
      break;
  }
  return nullptr;
}

Owner Locator::recall(const IpAddr& ip, SteadyTime now) const {
  Owner owner = pods_.find(ip, now);
  for (const LookupCache* cache : {lookups_.pods, lookups_.services, lookups_.dns}) {
    if (!owner.known() && cache) owner = cache->recall(ip, now);
  }
  return owner;
}

ServiceName Locator::recall_service(const DropKey& key, SteadyTime now) const {
  ServiceName service;
  for (const LookupCache* cache : {lookups_.services, lookups_.dns}) {
    if (key.service && service.empty() && cache) {
      service = cache->recall(key.service->address, now).service;
    }
  }
  return service;
}

void Locator::tick(const Moment& now) {
  while (!waiting_.empty() && waiting_.begin()->second.deadline <= now.steady) {
    hand_on(waiting_.begin());
  }
  if (std::exchange(pods_version_, pods_.version()) == pods_.version()) return;
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    const auto next = std::next(it);
    if (it->second.for_a_pod) look_again(it, now);
    it = next;
  }
}

// Somebody has got an address.
void Locator::look_again(std::map<Id, Waiting>::iterator it, const Moment& now) {
  auto& [drop, ends, told, deadline, answers_due, for_a_pod] = it->second;
  for (Owner Ends::*end : {&Ends::source, &Ends::destination}) {
    if (!is_certain(ends.*end)) {
      Owner owner = pods_.find(address_of(drop.key, end), drop.last, now);
      if (owner.pod && !owner.former) ends.*end = std::move(owner);
    }
  }
  if (is_settled(drop.key, ends) && (answers_due <= 0 || !drop.key.service)) hand_on(it);
}

SteadyTime Locator::next_due() const {
  return waiting_.empty() ? SteadyTime::max() : waiting_.begin()->second.deadline;
}

void Locator::save(SavedState& out) const {
  for (const auto& [id, waiting] : waiting_) out.drops.push_back({waiting.drop, waiting.told});
}

void Locator::give_up() {
  while (!waiting_.empty()) hand_on(waiting_.begin());
}

}  // namespace kube_nflog
