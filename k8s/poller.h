// SPDX-License-Identifier: Apache-2.0
// Poller: what the deliver thread sleeps in. HttpClient is one, since it must run its transfers;
// EventfdPoller serves offline, where there is nothing to run.
#pragma once

#include <poll.h>

#include <chrono>
#include <span>
#include <vector>

#include "core/unique_fd.h"

namespace kube_nflog {

// What else has sockets to be waited for: reverse_dns.
class PollGuest {
 public:
  virtual ~PollGuest() = default;
  // Adds its sockets, and shortens `max_wait` to when it wants its turn whatever happens.
  virtual void prepare(std::vector<pollfd>& fds, std::chrono::milliseconds& max_wait) = 0;
  // After every wait: what prepare() added, with what has come of it. May run callbacks.
  virtual void process(std::span<const pollfd> fds) = 0;
};

class Poller {
 public:
  virtual ~Poller() = default;
  // Before the first poll(); it must outlive the last.
  void invite(PollGuest& guest) { guest_ = &guest; }
  // Returns after `max_wait`, or sooner when woken or when it has run a callback.
  virtual void poll(std::chrono::milliseconds max_wait) = 0;
  // From any thread; also ends the next poll() if none is under way. Never blocks.
  virtual void wake() = 0;

 protected:
  PollGuest* guest_ = nullptr;
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
