// SPDX-License-Identifier: Apache-2.0
// PodIndex: which Pod has this address. Fed by pod_watch (or --pods=FILE), asked by deliver.
// Owned by the deliver thread; not thread-safe by design.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/clock.h"
#include "core/ip.h"
#include "k8s/pod.h"

namespace kube_nflog {

// What an address is, as far as we know.
struct Owner {
  std::shared_ptr<const Pod> pod;  // null: not a Pod of its own
  std::string node;  // not empty: the address of this node (also of its hostNetwork Pods)
};

struct PodIndexOptions {
  std::chrono::seconds keep_deleted{90};  // a late record still finds its Pod
  std::size_t capacity = 200'000;         // Pods; further ones are refused and counted
};

class PodIndex {
 public:
  explicit PodIndex(PodIndexOptions options = {}) : options_(options) {}

  // Adds or replaces by uid. A finished Pod gives up its addresses.
  void upsert(Pod pod, SteadyTime now);
  // Deleted: kept for keep_deleted, behind any live owner of its addresses.
  void remove(const std::string& uid, SteadyTime now);
  // A new list: what is not in it counts as deleted now.
  void replace(std::vector<Pod> pods, SteadyTime now);
  // Forgets what was deleted longer than keep_deleted ago. Call now and then.
  void expire(SteadyTime now);

  // The youngest live Pod with that address, else the one deleted last, else the node with it, else
  // neither. hostNetwork Pods never own an address: it is the node's.
  Owner find(const IpAddr& ip, SteadyTime now) const;

  std::size_t size() const { return pods_.size(); }
  std::size_t refused() const { return refused_; }

 private:
  struct Entry {
    std::shared_ptr<const Pod> pod;
    SteadyTime deleted_at = SteadyTime::max();
  };
  void unlink(const Entry& entry);

  PodIndexOptions options_;
  std::unordered_map<std::string, Entry> pods_;  // by uid
  std::unordered_multimap<IpAddr, const Entry*, IpAddrHash> by_ip_;
  std::unordered_multimap<IpAddr, const Entry*, IpAddrHash> by_host_ip_;
  std::size_t refused_ = 0;
};

}  // namespace kube_nflog
