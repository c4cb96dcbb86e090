// SPDX-License-Identifier: Apache-2.0
#include "nflog/group_binder.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "core/log.h"
#include "nflog/group_holder.h"

namespace kube_nflog {
namespace {

Error refused(std::uint16_t number, int code) {
  const std::string group = std::to_string(number);
  if (code == EPERM) {
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

Error group_is_held(std::uint16_t group, const GroupHolder& holder) {
  return {"NFLOG group " + std::to_string(group) + " is already held by " + name_of(holder) +
              ". The kernel gives a group to one reader only. Stop that reader (another "
              "kube-nflog, ulogd, weave-npc, tcpdump -i nflog), wait for "
              "it with --wait-for-group, or log to another group and name it with --nflog-group.",
          Exit::kBusy, EPERM};
}

GroupBinder::GroupBinder(std::vector<std::uint16_t> groups, const GroupConfig& config,
                         Metrics& metrics)
    : groups_(std::move(groups)), config_(config), metrics_(metrics) {}

// errno; 0: bound.
Result<int> GroupBinder::bind(NetlinkSocket& socket, std::uint16_t group, Early& early) {
  for (;;) {
    const std::vector<std::byte> message = bind_request(group, config_, ++request_);
    Result<int> answer = socket.request(message, request_, early);
    if (!answer) return answer;
    if (*answer == EOPNOTSUPP && std::exchange(config_.conntrack, false)) {
      log::info(
          "The kernel does not tell the connections of NFLOG records (no nf_conntrack_netlink): "
          "Events will not name the Service that a packet was sent to.");
      continue;
    }
    // EBUSY: this very socket holds it. The command line names it twice, or an answer was lost.
    const bool bound = *answer == 0 || *answer == EBUSY;
    metrics_.nflog_group_bound.at(group).set(bound ? 1 : 0);
    return bound ? 0 : *answer;
  }
}

// EPERM has two meanings: see group_holder.h. A holder that left while we asked is a third.
Result<GroupBinder::Attempt> GroupBinder::attempt(NetlinkSocket& socket, std::uint16_t group,
                                                  Early& early) {
  Attempt attempt;
  for (int i = 0; i < 2; ++i) {
    const Result<int> answer = bind(socket, group, early);
    if (!answer) return fail(answer.error());
    attempt.error = *answer;
    if (*answer != EPERM || (attempt.holder_port = find_holder_port(group))) break;
  }
  return attempt;
}

Result<> GroupBinder::start(NetlinkSocket& socket, Early& early, bool wait, SteadyTime now) {
  std::vector<Error> busy_ones;
  bool any_bound = false;
  for (const std::uint16_t group : groups_) {
    const Result<Attempt> tried = attempt(socket, group, early);
    if (!tried) return fail(tried.error());
    if (tried->holder_port) {
      waiting_.push_back(group);
      busy_ones.push_back(group_is_held(group, holder_with_port(*tried->holder_port)));
    } else if (tried->error != 0) {
      return fail(refused(group, tried->error));
    }
    any_bound = any_bound || tried->error == 0;
  }
  if (busy_ones.empty()) return {};
  if (!any_bound && !wait) return fail(std::move(busy_ones.front()));
  for (const Error& error : busy_ones) log::warn(error.what + " It will be bound once it is free.");
  next_try_ = now + wait_;
  return {};
}

Result<bool> GroupBinder::retry(NetlinkSocket& socket, Early& early, SteadyTime now) {
  if (waiting_.empty() || now < next_try_) return false;
  std::vector<std::uint16_t> still_waiting;
  for (const std::uint16_t group : waiting_) {
    const Result<Attempt> tried = attempt(socket, group, early);
    if (!tried) return fail(tried.error());
    if (tried->holder_port || tried->error == ENOMEM || tried->error == ENOBUFS) {
      still_waiting.push_back(group);
      continue;
    }
    if (tried->error != 0) return fail(refused(group, tried->error));
    metrics_.nflog_group_rebinds.add();
    log::info("NFLOG group " + std::to_string(group) + " is free at last, and now bound.");
  }
  waiting_ = std::move(still_waiting);
  wait_ = std::min(2 * wait_, kLongestWait);
  next_try_ = now + wait_;
  return waiting_.empty();
}

std::optional<SteadyTime> GroupBinder::deadline() const {
  if (waiting_.empty()) return std::nullopt;
  return next_try_;
}

}  // namespace kube_nflog
