// SPDX-License-Identifier: Apache-2.0
#include "k8s/locator.h"

#include <utility>

#include "k8s/pod_lookup.h"

namespace kube_nflog {
namespace {

// No Pod has such an address; asking would only use up the budget.
bool may_be_a_pod(const IpAddr& ip) {
  return !ip.empty() && !ip.is_unspecified() && !ip.is_loopback() && !ip.is_multicast() &&
         !ip.is_limited_broadcast();
}

}  // namespace

Locator::Locator(PodLookup* lookup, Located located, std::size_t capacity)
    : lookup_(lookup), located_(std::move(located)), capacity_(capacity) {}

void Locator::locate_peer(const DropSummary& drop, const Owner& source, const Owner& destination,
                          Direction told, SteadyTime now) {
  const IpAddr& peer = told == Direction::kReceiving ? drop.key.src : drop.key.dst;
  if (lookup_ && waiting_.size() < capacity_ && may_be_a_pod(peer) && lookup_->can_spare(peer, now))
    wait_for(drop, source, destination, told, now);
}

void Locator::wait_for(const DropSummary& drop, const Owner& source, const Owner& destination,
                       Told told, SteadyTime now) {
  const bool ask_source = !source.known() && may_be_a_pod(drop.key.src);
  const bool ask_destination = !destination.known() && may_be_a_pod(drop.key.dst);
  const int answers_due = ask_source + ask_destination;
  if (answers_due == 0 || !lookup_ || waiting_.size() >= capacity_) {
    return located_(drop, source, destination, told);
  }
  const std::uint64_t id = next_id_++;
  waiting_.emplace(id, Waiting{drop, source, destination, told, answers_due});
  if (ask_source) ask(id, &Waiting::source, drop.key.src, now);
  if (ask_destination) ask(id, &Waiting::destination, drop.key.dst, now);
}

void Locator::ask(std::uint64_t id, Owner Waiting::*end, const IpAddr& ip, SteadyTime now) {
  lookup_->resolve(ip, now, [this, id, end](const Owner& owner) {
    const auto it = waiting_.find(id);
    if (it == waiting_.end()) return;  // given up
    it->second.*end = owner;
    if (--it->second.answers_due > 0) return;
    const Waiting done = std::move(it->second);
    waiting_.erase(it);
    located_(done.drop, done.source, done.destination, done.told);
  });
}

void Locator::give_up() {
  for (const auto& [id, waiting] : std::exchange(waiting_, {})) {
    located_(waiting.drop, waiting.source, waiting.destination, waiting.told);
  }
}

}  // namespace kube_nflog
