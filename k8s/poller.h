// SPDX-License-Identifier: Apache-2.0
// Poller: what the deliver thread sleeps in. HttpClient is one, since it must run its transfers;
// EventfdPoller serves offline, where there is nothing to run.
#pragma once

#include <chrono>

#include "core/unique_fd.h"

namespace kube_nflog {

class Poller {
 public:
  virtual ~Poller() = default;
  // Returns after `max_wait`, or sooner when woken or when it has run a callback.
  virtual void poll(std::chrono::milliseconds max_wait) = 0;
  // From any thread; also ends the next poll() if none is under way. Never blocks.
  virtual void wake() = 0;
};

class EventfdPoller : public Poller {
 public:
  EventfdPoller();
  void poll(std::chrono::milliseconds max_wait) override;
  void wake() override;

 private:
  UniqueFd fd_;  // -1, were the process out of descriptors: then poll() is only a sleep
};

}  // namespace kube_nflog
