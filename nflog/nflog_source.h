// SPDX-License-Identifier: Apache-2.0
// NflogSource: the packets that rules log to NFLOG groups, straight from the kernel. Opened by
// open_source, then owned by the ingest thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/cause_table.h"
#include "core/error.h"
#include "core/metrics.h"
#include "core/source.h"
#include "nflog/group_config.h"
#include "nflog/intake.h"
#include "nflog/netlink_socket.h"

namespace kube_nflog {

struct NflogOptions {
  std::vector<std::uint16_t> groups{100};
  std::uint32_t rcvbuf_bytes = 8U << 20;
  GroupConfig config = {};
};

class NflogSource : public DropSource {
 public:
  // Binds all groups or none. Errors, each one paragraph: kUsage (a group that is not ours to
  // take), kBusy (held by another process), kNoPermission, kUnavailable (the kernel lacks
  // nfnetlink_log). Needs CAP_NET_ADMIN in the network namespace's user namespace; reading
  // afterwards needs nothing.
  static Result<std::unique_ptr<NflogSource>> open(const NflogOptions& options, CauseTable& causes,
                                                   Metrics& metrics);

  std::string_view name() const override { return "nflog"; }
  int fd() const override { return socket_.fd(); }
  std::optional<SteadyTime> deadline() const override;
  // Up to 64 datagrams, about 8,000 records, a call.
  Result<> read(std::vector<Drop>& out) override;

 private:
  NflogSource(NetlinkSocket socket, const NflogOptions& options, CauseTable& causes,
              Metrics& metrics);
  Result<> bind(const NflogOptions& options);
  void tell_loss(std::uint64_t lost);

  NetlinkSocket socket_;
  Intake intake_;
  std::vector<std::vector<std::byte>> early_;  // arrived while later groups were being bound
  std::uint32_t dropped_datagrams_ = 0;
};

}  // namespace kube_nflog
