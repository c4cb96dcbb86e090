// SPDX-License-Identifier: Apache-2.0
// PodIndex: which Pod has this address. Fed by pod_watch (or --pods=FILE), asked by deliver.
// Owned by the deliver thread; not thread-safe by design.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/clock.h"
#include "core/ip.h"
#include "k8s/owner.h"
#include "k8s/pod.h"

namespace kube_nflog {

struct PodIndexOptions {
  std::chrono::seconds keep_deleted{90};  // a late record still finds its Pod
  std::chrono::seconds expect{60};        // an address for a new Pod that has none yet
  std::size_t capacity = 200'000;         // Pods; further ones are refused and counted
};

class PodIndex {
 public:
  explicit PodIndex(PodIndexOptions options = {}) : options_(options) {}

  // Adds or replaces by uid. A finished Pod (phase Succeeded or Failed) is as good as deleted: its
  // addresses may belong to others by now.
  void upsert(Pod pod, SteadyTime now);
  // Deleted: kept for keep_deleted, behind any live owner of its addresses.
  void remove(std::string_view uid, SteadyTime now);

  // A new list arrives: begin_list(), upsert() each, end_list(). What was not in it counts as
  // deleted now. A list that breaks off has no end_list() and deletes nothing.
  void begin_list() { ++list_; }
  void end_list(SteadyTime now);
  // All three at once.
  void replace(std::vector<Pod> pods, SteadyTime now);

  // Forgets what was deleted longer than keep_deleted ago. Call now and then.
  void expire(SteadyTime now);

  // The youngest live Pod with that address, else the one deleted last, else the node with it, else
  // neither. hostNetwork Pods never own an address: it is the node's.
  Owner find(const IpAddr& ip, SteadyTime now) const;
  // As of `when`: a Pod that was made later gives way to one that was deleted later. A Pod deleted
  // before that is `former`.
  Owner find(const IpAddr& ip, SystemTime when, const Moment& now) const;

  // Whether a new Pod is about to get an address, or has one that we have not heard of: so one that
  // nobody seems to own may be its.
  bool expects_addresses(SteadyTime now);
  // Changes whenever somebody gets an address.
  std::uint64_t version() const { return version_; }

  std::size_t size() const { return pods_.size(); }
  std::size_t refused() const { return refused_; }
  std::size_t expecting() const { return expected_.size(); }

 private:
  struct Entry {
    std::shared_ptr<const Pod> pod;
    SteadyTime deleted_at = SteadyTime::max();  // max: live
    std::uint64_t list = 0;                     // that it was last seen in or after
    bool live() const { return deleted_at == SteadyTime::max(); }
  };
  struct Node {
    std::string name;
    std::size_t pods = 0;  // that say so
  };
  struct Deleted {
    SteadyTime at;
    std::shared_ptr<const Pod> pod;
  };
  struct Expected {
    SteadyTime since;
    std::string uid;
  };
  using Pods = std::unordered_map<std::string_view, Entry>;  // by uid, which lives in Entry::pod

  void link(const Entry& entry);
  void unlink(const Entry& entry);
  void erase(Pods::iterator entry);
  void mark_deleted(Entry& entry, SteadyTime now);
  void expect(const std::string& uid, SteadyTime now);
  void forget_oldest();
  bool make_room();
  const Entry* best_of(const IpAddr& ip, SteadyTime now, SystemTime born_by,
                       SteadyTime happened) const;
  Owner owner(const IpAddr& ip, const Entry* entry) const;

  PodIndexOptions options_;
  Pods pods_;
  std::unordered_multimap<IpAddr, const Entry*, IpAddrHash> by_ip_;
  std::unordered_map<IpAddr, Node, IpAddrHash> nodes_;
  std::deque<Deleted> deleted_;  // oldest first; stale where the Pod has come back since
  std::deque<Expected>
      expected_;  // Pods without an address, oldest first; stale once they have one
  std::uint64_t list_ = 0;
  std::uint64_t version_ = 0;
  std::size_t refused_ = 0;
};

}  // namespace kube_nflog
