// SPDX-License-Identifier: Apache-2.0
// GroupBinder: binds NFLOG groups through one socket, and goes on trying those that another process
// holds. Owned by nflog_source.
//
// The kernel gives a group to one socket, and what is bound stays bound until that socket is
// closed: nobody can take it away, nor unload the module (net/netfilter/nfnetlink_log.c). So only
// what was not to be had in the first place needs a second try.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/clock.h"
#include "core/error.h"
#include "core/metrics.h"
#include "nflog/group_config.h"
#include "nflog/group_holder.h"
#include "nflog/netlink_socket.h"

namespace kube_nflog {

// For the operator: who holds it and what to do, kBusy.
Error group_is_held(std::uint16_t group, const GroupHolder& holder);

class GroupBinder {
 public:
  // The first wait for a group that is held, and what it doubles up to. Nothing is gained by
  // jitter: only this node's own kernel is asked.
  static constexpr std::chrono::seconds kFirstWait{1}, kLongestWait{30};

  // `metrics` has series for each of `groups`.
  GroupBinder(std::vector<std::uint16_t> groups, const GroupConfig& config, Metrics& metrics);

  // What the socket found waiting while it was asked; the records of groups bound before.
  using Early = std::vector<std::vector<std::byte>>;

  // Tries them all. Held by others: kBusy if that is all of them, unless `wait`; otherwise a
  // warning each, and retry() goes on. Other errors: kNoPermission, kUnavailable.
  Result<> start(NetlinkSocket& socket, Early& early, bool wait, SteadyTime now);

  // Tries again, when due, those that were held. True: that was the last one. Needs CAP_NET_ADMIN.
  Result<bool> retry(NetlinkSocket& socket, Early& early, SteadyTime now);

  bool waiting() const { return !waiting_.empty(); }
  std::optional<SteadyTime> deadline() const;  // when retry() is next due

 private:
  struct Attempt {
    int error = 0;                             // errno; 0: bound
    std::optional<std::uint32_t> holder_port;  // of EPERM: who holds it; none: not allowed
  };
  Result<Attempt> attempt(NetlinkSocket& socket, std::uint16_t group, Early& early);
  Result<int> bind(NetlinkSocket& socket, std::uint16_t group, Early& early);

  std::vector<std::uint16_t> groups_, waiting_;
  GroupConfig config_;
  Metrics& metrics_;
  std::uint32_t request_ = 0;
  std::chrono::seconds wait_ = kFirstWait;
  SteadyTime next_try_{};
};

}  // namespace kube_nflog
