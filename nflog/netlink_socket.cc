// SPDX-License-Identifier: Apache-2.0
#include "nflog/netlink_socket.h"

#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "nflog/message.h"

namespace kube_nflog {
namespace {

// The largest nlbufsiz that the kernel takes. Only the pages that datagrams reach become resident.
constexpr std::size_t kMaxDatagram = 131'072;

tl::unexpected<Error> failed(const std::string& what, int error, Exit exit) {
  return fail(what + ": " + std::strerror(error), exit, error);
}

template <class T>
bool set_option(int fd, int level, int name, T value) {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

}  // namespace

NetlinkSocket::NetlinkSocket(UniqueFd fd, std::uint32_t port_id)
    : fd_(std::move(fd)), port_id_(port_id), buffer_(kMaxDatagram) {}

Result<NetlinkSocket> NetlinkSocket::open(std::uint32_t rcvbuf_bytes) {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER));
  if (!fd) {
    const int error = errno;
    return fail(std::string("Cannot open a netfilter netlink socket (") + std::strerror(error) +
                    "): the kernel lacks CONFIG_NETFILTER_NETLINK, or a seccomp profile forbids "
                    "AF_NETLINK. Load it on the node (modprobe nfnetlink_log), allow it in the "
                    "profile, or read the iptables log with --source=file.",
                Exit::kUnavailable, error);
  }
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;  // nl_pid 0: the kernel picks a free port id
  socklen_t size = sizeof address;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return failed("Cannot bind a netfilter netlink socket", errno, Exit::kUnavailable);
  }
  NetlinkSocket socket(std::move(fd), address.nl_pid);
  if (Result<> ready = socket.prepare(rcvbuf_bytes); !ready) return fail(ready.error());
  return socket;
}

Result<> NetlinkSocket::prepare(std::uint32_t rcvbuf_bytes) {
  // With ENOBUFS on, one overflow makes the kernel discard everything until the queue is drained
  // (state CONGESTED); off, it drops just what does not fit, so less is lost and in shorter gaps.
  // Nothing goes uncounted: the sequence numbers tell, exactly, and dropped_datagrams() tells at
  // once.
  if (!set_option(fd(), SOL_NETLINK, NETLINK_NO_ENOBUFS, 1)) {
    return failed("setsockopt NETLINK_NO_ENOBUFS", errno, Exit::kUnavailable);
  }
  const int wanted = static_cast<int>(std::min<std::uint32_t>(rcvbuf_bytes, INT32_MAX / 2));
  if (!set_option(fd(), SOL_SOCKET, SO_RCVBUFFORCE, wanted) &&
      !set_option(fd(), SOL_SOCKET, SO_RCVBUF, wanted)) {
    return failed("setsockopt SO_RCVBUF", errno, Exit::kUnavailable);
  }
  int granted = 0;
  socklen_t size = sizeof granted;
  if (::getsockopt(fd(), SOL_SOCKET, SO_RCVBUF, &granted, &size) != 0) {
    return failed("getsockopt SO_RCVBUF", errno, Exit::kUnavailable);
  }
  rcvbuf_bytes_ = static_cast<std::uint32_t>(granted);
  return {};
}

Result<int> NetlinkSocket::request(Bytes message, std::uint32_t number,
                                   std::vector<std::vector<std::byte>>& early) {
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  if (::sendto(fd(), message.data(), message.size(), 0, reinterpret_cast<const sockaddr*>(&kernel),
               sizeof kernel) < 0) {
    return failed("Cannot send a request to nfnetlink", errno, Exit::kUnavailable);
  }
  // The kernel executes the request inside sendto(), so its answer is already waiting, behind
  // whatever arrived before.
  for (;;) {
    const Result<std::optional<Bytes>> received = receive();
    if (!received) return fail(received.error());
    if (!*received) return ENOBUFS;
    const Bytes datagram = **received;
    DatagramReader reader(datagram);
    if (reader.next() == DatagramReader::Item::kAnswer && reader.answer().request == number) {
      return reader.answer().error;  // an answer comes in a datagram of its own
    }
    early.emplace_back(datagram.begin(), datagram.end());
  }
}

Result<std::optional<Bytes>> NetlinkSocket::receive() {
  for (;;) {
    sockaddr_nl sender{};
    socklen_t size = sizeof sender;
    const ssize_t length = ::recvfrom(fd(), buffer_.data(), buffer_.size(), 0,
                                      reinterpret_cast<sockaddr*>(&sender), &size);
    if (length >= 0) {
      // Another process of this node with CAP_NET_ADMIN may send to our port: only the kernel's
      // word counts.
      if (size != sizeof sender || sender.nl_pid != 0) continue;
      return std::optional<Bytes>(Bytes(buffer_).first(static_cast<std::size_t>(length)));
    }
    if (errno == EAGAIN) return std::optional<Bytes>();
    if (errno == EINTR || errno == ENOBUFS) continue;  // ENOBUFS: a sign of loss, not an end
    return failed("Cannot read from the netfilter netlink socket", errno, Exit::kUnavailable);
  }
}

std::optional<std::uint32_t> NetlinkSocket::dropped_datagrams() const {
  std::array<std::uint32_t, SK_MEMINFO_VARS> info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd(), SOL_SOCKET, SO_MEMINFO, info.data(), &size) != 0) return std::nullopt;
  return info[SK_MEMINFO_DROPS];
}

}  // namespace kube_nflog
