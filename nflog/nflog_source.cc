// SPDX-License-Identifier: Apache-2.0
#include "nflog/nflog_source.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "core/clock.h"
#include "core/log.h"
#include "nflog/group_holder.h"

namespace kube_nflog {
namespace {

constexpr int kMaxDatagramsPerRead = 64;

Result<> refuse_calicos_groups(const std::vector<std::uint16_t>& groups) {
  const auto taken = std::find_if(groups.begin(), groups.end(),
                                  [](std::uint16_t group) { return group >= 1 && group <= 3; });
  if (taken == groups.end()) return {};
  return fail(
      "NFLOG group " + std::to_string(*taken) +
          " belongs to Calico: Felix reads groups 1 to 3 for its flow logs, and a group has "
          "only one reader. If this agent took it first, Felix would go on without flow logs "
          "and policy statistics, silently. Log to another group, 100 for example, and name "
          "that one with --nflog-group.",
      Exit::kUsage);
}

Error busy(const std::string& group, const GroupHolder& holder) {
  const std::string who =
      holder.process.empty()
          ? "a process that cannot be seen from here (netlink port id " +
                std::to_string(holder.port_id) + ")"
          : holder.process + ", netlink port id " + std::to_string(holder.port_id);
  return {
      "NFLOG group " + group + " is already held by " + who +
          ". The kernel gives a group to one reader only. Stop that reader (another kube-nflog, "
          "ulogd, weave-npc, tcpdump -i nflog), or log to another group and name it with "
          "--nflog-group.",
      Exit::kBusy, EPERM};
}

// Why the kernel refused to bind. EPERM has two meanings: see group_holder.h.
Error bind_refused(std::uint16_t number, int code) {
  const std::string group = std::to_string(number);
  if (code == EPERM) {
    if (const auto holder = find_group_holder(number)) return busy(group, *holder);
    return {
        "Not allowed to bind NFLOG group " + group +
            ": the capability NET_ADMIN is missing, or it belongs to another user namespace than "
            "this network namespace. Run as root, or give the container "
            "securityContext.capabilities.add: [NET_ADMIN] and hostNetwork: true.",
        Exit::kNoPermission, code};
  }
  if (code == EINVAL || code == EOPNOTSUPP) {
    return {"The kernel cannot bind NFLOG group " + group + " (" + std::strerror(code) +
                "): it lacks nfnetlink_log. Load it on the node (modprobe nfnetlink_log), use a "
                "kernel with CONFIG_NETFILTER_NETLINK_LOG, or read the iptables log with "
                "--source=file.",
            Exit::kUnavailable, code};
  }
  return {"The kernel refused to bind NFLOG group " + group + ": " + std::strerror(code) + ".",
          Exit::kUnavailable, code};
}

}  // namespace

NflogSource::NflogSource(NetlinkSocket socket, const NflogOptions& options, CauseTable& causes,
                         Metrics& metrics)
    : socket_(std::move(socket)), intake_(options.groups, causes, metrics) {}

Result<std::unique_ptr<NflogSource>> NflogSource::open(const NflogOptions& options,
                                                       CauseTable& causes, Metrics& metrics) {
  if (Result<> ours = refuse_calicos_groups(options.groups); !ours) return fail(ours.error());
  Result<NetlinkSocket> socket = NetlinkSocket::open(options.rcvbuf_bytes);
  if (!socket) return fail(socket.error());
  metrics.nflog_rcvbuf_bytes.set(socket->rcvbuf_bytes());
  std::unique_ptr<NflogSource> source(
      new NflogSource(std::move(*socket), options, causes, metrics));
  if (Result<> bound = source->bind(options); !bound) return fail(bound.error());
  return source;
}

Result<> NflogSource::bind(const NflogOptions& options) {
  std::uint32_t number = 0;
  for (const std::uint16_t group : options.groups) {
    const std::vector<std::byte> message = bind_request(group, options.config, ++number);
    const Result<int> answer = socket_.request(message, number, early_);
    if (!answer) return fail(answer.error());
    // EBUSY: this very socket holds it, so the command line names it twice.
    if (*answer != 0 && *answer != EBUSY) return fail(bind_refused(group, *answer));
  }
  return {};
}

// At once, for what bind() found: the socket does not announce it again.
std::optional<SteadyTime> NflogSource::deadline() const {
  return early_.empty() ? intake_.deadline() : SteadyTime{};
}

Result<> NflogSource::read(std::vector<Drop>& out) {
  const SystemTime now = system_now();
  for (const std::vector<std::byte>& datagram : std::exchange(early_, {})) {
    intake_.take(datagram, now, out);
  }
  for (int i = 0; i < kMaxDatagramsPerRead; ++i) {
    const Result<std::optional<Bytes>> datagram = socket_.receive();
    if (!datagram) return fail(datagram.error());
    if (!*datagram) {
      intake_.settle(steady_now());
      break;
    }
    intake_.take(**datagram, now, out);
  }
  tell_loss(intake_.publish());
  return {};
}

void NflogSource::tell_loss(std::uint64_t lost) {
  const std::uint32_t dropped = socket_.dropped_datagrams();
  const bool news = std::exchange(dropped_datagrams_, dropped) != dropped;
  if (lost == 0 && !news) return;
  log::warn_every(std::chrono::seconds(60), "netlink_overrun",
                  "The kernel dropped NFLOG records because the socket buffer of " +
                      std::to_string(socket_.rcvbuf_bytes()) +
                      " bytes was full; lost_total{where=\"netlink_overrun\"} counts them. Raise "
                      "--rcvbuf-bytes, or limit the rate of the rules that log.");
}

}  // namespace kube_nflog
