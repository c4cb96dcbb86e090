// SPDX-License-Identifier: Apache-2.0
// LinkWatch: keeps InterfaceNames as the kernel has them, by rtnetlink: a list of all interfaces,
// then each change. Needs no capability. Owned by nflog_source, on the ingest thread. A name is a
// help, not the matter: nothing here is an error, what fails is tried again.
#pragma once

#include <chrono>
#include <optional>

#include "core/clock.h"
#include "core/error.h"
#include "core/metrics.h"
#include "core/unique_fd.h"
#include "nflog/interface_names.h"

namespace kube_nflog {

class LinkWatch {
 public:
  static constexpr std::chrono::seconds kRetry{10};

  // Lists the interfaces. `names` and `metrics` must outlive this.
  LinkWatch(InterfaceNames& names, Metrics& metrics, SteadyTime now);

  // Readable when something has changed. Another one after each follow(); -1: the names are not
  // known, and follow() is due at deadline().
  int fd() const { return socket_.get(); }
  std::optional<SteadyTime> deadline() const;

  // Learns what has changed, a bounded amount a call; lists all anew if the kernel could not keep
  // every change for us. Never blocks.
  void follow(SteadyTime now);

 private:
  void list(SteadyTime now);
  Result<> list_once();
  // What is waiting, at most `datagrams`. True: the end of a dump is among it. An error: something
  // is missing, and all must be listed anew.
  Result<bool> receive(int datagrams);

  InterfaceNames& names_;
  Metrics& metrics_;
  UniqueFd socket_;  // joined to RTNLGRP_LINK, its names whole; or none
  SteadyTime next_try_{};
};

}  // namespace kube_nflog
