// SPDX-License-Identifier: Apache-2.0
// NflogSource: the drops that rules log to NFLOG groups, straight from the kernel. Opened by
// open_source, then owned by the ingest thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/cause_table.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/metrics.h"
#include "core/source.h"
#include "nflog/group_binder.h"
#include "nflog/group_config.h"
#include "nflog/intake.h"
#include "nflog/link_watch.h"
#include "nflog/netlink_socket.h"

namespace kube_nflog {

struct NflogOptions {
  std::vector<std::uint16_t> groups{100};
  // What may wait in the kernel. A limit, not memory: nothing is used before something waits.
  std::uint32_t rcvbuf_bytes = 32U << 20;
  bool wait_for_group = false;  // start although all groups are held by others
  GroupConfig config = {};
};

class NflogSource : public DropSource {
 public:
  // Errors, each one paragraph: kBusy (every group is held by another process), kNoPermission,
  // kUnavailable (the kernel lacks nfnetlink_log). Needs CAP_NET_ADMIN in the network namespace's
  // user namespace; reading afterwards needs nothing.
  static Result<std::unique_ptr<NflogSource>> open(const NflogOptions& options, CauseTable& causes,
                                                   Metrics& metrics);

  std::string_view name() const override { return "nflog"; }
  int fd() const override { return socket_.fd(); }
  int side_fd() const override { return links_.fd(); }
  void follow() override { links_.follow(steady_now()); }
  std::optional<SteadyTime> deadline() const override;
  // Up to 64 datagrams, about 8,000 records, a call; after a group that was waited for has been
  // asked for, also what was in the socket's buffer then.
  Result<> read(std::vector<Drop>& out) override;

  // Groups that others hold are still to be bound: the thread that calls read() must keep
  // CAP_NET_ADMIN. Once the last is bound, read() gives up that thread's capabilities.
  bool waits_for_groups() const { return binder_.waiting(); }

 private:
  NflogSource(NetlinkSocket socket, const NflogOptions& options, CauseTable& causes,
              Metrics& metrics);
  Result<> bind_waiting(SteadyTime now);
  void tell_loss(std::uint64_t lost);

  NetlinkSocket socket_;
  GroupBinder binder_;
  Intake intake_;
  LinkWatch links_;
  GroupBinder::Early early_;
  std::uint32_t dropped_datagrams_ = 0;
  Metrics& metrics_;
};

}  // namespace kube_nflog
