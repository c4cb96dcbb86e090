// SPDX-License-Identifier: Apache-2.0
#include "k8s/pod_index.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace kube_nflog {

namespace {

// The addresses that are the node's. hostIPs[] is young (Kubernetes 1.30); before it, the second
// family of a node is only to be had from the podIPs of its hostNetwork Pods.
std::vector<IpAddr> node_ips(const Pod& pod) {
  std::vector<IpAddr> ips;
  if (pod.node_name.empty()) return ips;
  ips = pod.host_ips;
  if (pod.host_network) {
    for (const IpAddr& ip : pod.ips) {
      if (std::find(ips.begin(), ips.end(), ip) == ips.end()) ips.push_back(ip);
    }
  }
  return ips;
}

}  // namespace

void PodIndex::upsert(Pod pod, SteadyTime now) {
  const auto found = pods_.find(pod.uid);
  if (pod.finished) {
    if (found != pods_.end()) {
      found->second.list = list_;
      mark_deleted(found->second, now);
    }
    return;
  }
  const bool is_new = found == pods_.end();
  if (!is_new) {
    erase(found);
  } else if (!make_room()) {
    ++refused_;
    return;
  }
  const auto shared = std::make_shared<const Pod>(std::move(pod));
  Entry& entry = pods_[shared->uid];
  entry.pod = shared;
  entry.list = list_;
  link(entry);
  if (is_new && shared->ips.empty() && !shared->host_network) expect(shared->uid, now);
}

// Bounded by the Pods that there may be: of those that come and go, the oldest are forgotten.
void PodIndex::expect(const std::string& uid, SteadyTime now) {
  expected_.push_back({now, uid});
  if (expected_.size() > options_.capacity) expected_.pop_front();
}

void PodIndex::remove(std::string_view uid, SteadyTime now) {
  if (const auto found = pods_.find(uid); found != pods_.end()) mark_deleted(found->second, now);
}

void PodIndex::end_list(SteadyTime now) {
  for (auto& [uid, entry] : pods_) {
    if (entry.list != list_) mark_deleted(entry, now);
  }
}

void PodIndex::replace(std::vector<Pod> pods, SteadyTime now) {
  begin_list();
  for (Pod& pod : pods) upsert(std::move(pod), now);
  end_list(now);
}

void PodIndex::expire(SteadyTime now) {
  while (!deleted_.empty() && now - deleted_.front().at > options_.keep_deleted) forget_oldest();
  while (!expected_.empty() && now - expected_.front().since > options_.expect) {
    expected_.pop_front();
  }
}

Owner PodIndex::find(const IpAddr& ip, SteadyTime now) const {
  return owner(ip, best_of(ip, now, SystemTime::max(), SteadyTime::max()));
}

Owner PodIndex::find(const IpAddr& ip, SystemTime when, const Moment& now) const {
  const SteadyTime happened =
      now.steady - std::chrono::duration_cast<SteadyTime::duration>(now.wall - when);
  const Entry* const best = best_of(ip, now.steady, when, happened);
  Owner found = owner(ip, best);
  found.former = best != nullptr && best->deleted_at < happened;
  return found;
}

// The one with the best claim to what happened then: it was not deleted by then, and made by then
// if another one that was not deleted was; live before deleted, then the younger, then the later
// deleted.
const PodIndex::Entry* PodIndex::best_of(const IpAddr& ip, SteadyTime now, SystemTime born_by,
                                         SteadyTime happened) const {
  const auto claim = [born_by, happened](const Entry& entry) {
    const bool was_there = entry.deleted_at >= happened;
    return std::tuple(was_there && entry.pod->created <= born_by, entry.live(), was_there,
                      entry.live() ? SteadyTime() : entry.deleted_at, entry.pod->created,
                      std::string_view(entry.pod->uid));  // whatever the order of arrival
  };
  const Entry* best = nullptr;
  const auto [begin, end] = by_ip_.equal_range(ip);
  for (auto it = begin; it != end; ++it) {
    const Entry& entry = *it->second;
    if (!entry.live() && now - entry.deleted_at > options_.keep_deleted) continue;
    if (best == nullptr || claim(*best) < claim(entry)) best = &entry;
  }
  return best;
}

Owner PodIndex::owner(const IpAddr& ip, const Entry* entry) const {
  if (entry != nullptr) return {.pod = entry->pod};
  if (const auto node = nodes_.find(ip); node != nodes_.end()) return {.node = node->second.name};
  return {};
}

bool PodIndex::expects_addresses(SteadyTime now) {
  for (; !expected_.empty(); expected_.pop_front()) {
    const auto pod = pods_.find(expected_.front().uid);
    if (now - expected_.front().since <= options_.expect && pod != pods_.end() &&
        pod->second.live() && pod->second.pod->ips.empty()) {
      return true;
    }
  }
  return false;
}

void PodIndex::link(const Entry& entry) {
  const Pod& pod = *entry.pod;
  if (!pod.host_network) {
    for (const IpAddr& ip : pod.ips) by_ip_.emplace(ip, &entry);
    version_ += !pod.ips.empty();
  }
  for (const IpAddr& ip : node_ips(pod)) {
    Node& node = nodes_[ip];
    node.name = pod.node_name;  // of two, the one heard of last: addresses move to new nodes
    ++node.pods;
  }
}

void PodIndex::unlink(const Entry& entry) {
  const Pod& pod = *entry.pod;
  if (!pod.host_network) {
    for (const IpAddr& ip : pod.ips) {
      const auto [begin, end] = by_ip_.equal_range(ip);
      const auto it =
          std::find_if(begin, end, [&entry](const auto& item) { return item.second == &entry; });
      if (it != end) by_ip_.erase(it);
    }
  }
  for (const IpAddr& ip : node_ips(pod)) {
    const auto node = nodes_.find(ip);
    if (node != nodes_.end() && --node->second.pods == 0) nodes_.erase(node);
  }
}

void PodIndex::erase(Pods::iterator entry) {
  unlink(entry->second);
  const std::shared_ptr<const Pod> key_owner = entry->second.pod;  // the key is a view into it
  pods_.erase(entry);
}

void PodIndex::mark_deleted(Entry& entry, SteadyTime now) {
  if (!entry.live()) return;  // finished first, deleted later: the first moment counts
  entry.deleted_at = now;
  deleted_.push_back({now, entry.pod});
  if (deleted_.size() > options_.capacity) forget_oldest();  // Pods that come and go without end
}

void PodIndex::forget_oldest() {
  const Deleted oldest = std::move(deleted_.front());
  deleted_.pop_front();
  const auto found = pods_.find(oldest.pod->uid);
  if (found != pods_.end() && found->second.deleted_at == oldest.at) erase(found);
}

// The oldest of the deleted make way; live Pods do not.
bool PodIndex::make_room() {
  while (pods_.size() >= options_.capacity && !deleted_.empty()) forget_oldest();
  return pods_.size() < options_.capacity;
}

}  // namespace kube_nflog
