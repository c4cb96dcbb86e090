// SPDX-License-Identifier: Apache-2.0
#include "k8s/pod_index.h"

#include <algorithm>
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
  if (found != pods_.end()) {
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
}

Owner PodIndex::find(const IpAddr& ip, SteadyTime now) const {
  const Entry* best = nullptr;
  const auto [begin, end] = by_ip_.equal_range(ip);
  for (auto it = begin; it != end; ++it) {
    const Entry& entry = *it->second;
    if (!entry.live() && now - entry.deleted_at > options_.keep_deleted) continue;
    if (best == nullptr || older(*best, entry)) best = &entry;
  }
  if (best != nullptr) return {best->pod, {}};
  if (const auto node = nodes_.find(ip); node != nodes_.end()) return {nullptr, node->second.name};
  return {};
}

// Whether b has the better claim: live before deleted, then the younger, then the later deleted.
bool PodIndex::older(const Entry& a, const Entry& b) const {
  if (a.live() != b.live()) return b.live();
  if (!a.live() && a.deleted_at != b.deleted_at) return a.deleted_at < b.deleted_at;
  if (a.pod->created != b.pod->created) return a.pod->created < b.pod->created;
  return a.pod->uid < b.pod->uid;  // the same answer whatever the order of arrival
}

void PodIndex::link(const Entry& entry) {
  const Pod& pod = *entry.pod;
  if (!pod.host_network) {
    for (const IpAddr& ip : pod.ips) by_ip_.emplace(ip, &entry);
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
