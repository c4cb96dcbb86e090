// SPDX-License-Identifier: Apache-2.0
// FairQueue: keys that wait, first for their time, then for their namespace's turn, so that one
// noisy tenant cannot use up a node's budget. Pure; used by event_book, which bounds it.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "core/clock.h"

namespace kube_nflog {

class FairQueue {
 public:
  // `key` must not be in the queue.
  void add(std::uint64_t key, std::string ns, SteadyTime due);
  // A key whose time has come: namespaces take turns, within one first come, first served.
  std::optional<std::uint64_t> pop(SteadyTime now);
  // When pop() has something: the past if it has now, max() if it is empty.
  SteadyTime next_due() const;
  // Everything that is here is due.
  void hurry() { make_ready(SteadyTime::max()); }

 private:
  struct Waiting {
    std::uint64_t key;
    std::string ns;
  };
  void make_ready(SteadyTime now);

  // The serial number keeps those of equal time in the order of their coming.
  std::map<std::pair<SteadyTime, std::uint64_t>, Waiting> later_;
  std::map<std::string, std::deque<std::uint64_t>> ready_;  // by namespace, none empty
  std::string last_turn_;
  std::uint64_t serial_ = 0;
};

}  // namespace kube_nflog
