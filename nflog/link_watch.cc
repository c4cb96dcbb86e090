// SPDX-License-Identifier: Apache-2.0
#include "nflog/link_watch.h"

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <string>
#include <utility>

#include "core/log.h"
#include "nflog/link_message.h"

namespace kube_nflog {
namespace {

constexpr int kTries = 8;  // interfaces that come and go make a dump partial
constexpr int kChangesPerCall = 256;

tl::unexpected<Error> failed(const char* what, int error) {
  return fail(std::string(what) + ": " + std::strerror(error), Exit::kUnavailable, error);
}

// Joined first, so that no change falls between the list and what follows it.
Result<UniqueFd> open_joined() {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  if (!fd) return failed("socket NETLINK_ROUTE", errno);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return failed("bind RTMGRP_LINK", errno);
  }
  return fd;
}

Result<> ask_for_all(int fd) {
  alignas(nlmsghdr) std::array<char, 128> buffer{};  // all of it takes 40 bytes
  nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
  request->nlmsg_type = RTM_GETLINK;
  request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  mnl_nlmsg_put_extra_header(request, sizeof(ifinfomsg));  // AF_UNSPEC: all
  mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  const ssize_t sent = ::sendto(fd, buffer.data(), request->nlmsg_len, 0,
                                reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel);
  return sent < 0 ? failed("RTM_GETLINK", errno) : Result<>();
}

}  // namespace

LinkWatch::LinkWatch(InterfaceNames& names, Metrics& metrics, SteadyTime now)
    : names_(names), metrics_(metrics) {
  list(now);
}

std::optional<SteadyTime> LinkWatch::deadline() const {
  return socket_ ? std::nullopt : std::optional(next_try_);
}

void LinkWatch::follow(SteadyTime now) {
  if (socket_ && receive(kChangesPerCall)) return;
  if (socket_ || now >= next_try_) list(now);
}

void LinkWatch::list(SteadyTime now) {
  Result<> listed;
  for (int i = 0; i < kTries; ++i) {
    if (listed = list_once(); listed) return;
  }
  socket_ = UniqueFd();
  names_.forget_all();  // rather none than an old one
  next_try_ = now + kRetry;
  log::warn_every(std::chrono::seconds(600), "interface_names",
                  "Cannot list the network interfaces, so drops are told without their names (" +
                      listed.error().what + "). Trying again.");
}

// On a socket of its own: whatever an earlier one still holds is void.
Result<> LinkWatch::list_once() {
  Result<UniqueFd> fd = open_joined();
  if (!fd) return fail(fd.error());
  socket_ = std::move(*fd);
  names_.forget_all();
  metrics_.interface_lists.add();
  if (Result<> asked = ask_for_all(socket_.get()); !asked) return asked;
  // The kernel makes each part of a dump inside the call that reads the one before, so all of it is
  // there without waiting.
  const Result<bool> received = receive(INT_MAX);
  if (!received) return fail(received.error());
  return *received ? Result<>() : failed("the list of interfaces does not end", EAGAIN);
}

Result<bool> LinkWatch::receive(int datagrams) {
  alignas(nlmsghdr) std::array<std::byte, 32'768> buffer;  // the most that a dump puts into one
  bool done = false;
  for (int i = 0; i < datagrams && !done; ++i) {
    sockaddr_nl sender{};
    socklen_t size = sizeof sender;
    const ssize_t length = ::recvfrom(socket_.get(), buffer.data(), buffer.size(), MSG_TRUNC,
                                      reinterpret_cast<sockaddr*>(&sender), &size);
    if (length < 0 && errno == EAGAIN) break;
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return failed("rtnetlink", errno);          // ENOBUFS: changes were lost
    if (size != sizeof sender || sender.nl_pid != 0) continue;  // only the kernel's word counts
    if (static_cast<std::size_t>(length) > buffer.size()) return failed("rtnetlink", EMSGSIZE);
    LinkReader reader(Bytes(buffer).first(static_cast<std::size_t>(length)));
    for (LinkReader::Item item; (item = reader.next()) != LinkReader::Item::kEnd;) {
      if (item == LinkReader::Item::kPartial) return failed("the list of interfaces", EINTR);
      if (item == LinkReader::Item::kLink) names_.learn(reader.link());
      if (item == LinkReader::Item::kDone) done = true;
    }
  }
  return done;
}

}  // namespace kube_nflog
