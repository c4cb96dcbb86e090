// SPDX-License-Identifier: Apache-2.0
// null_reader GROUP RCVBUF: binds an NFLOG group as kube-nflog does and does nothing but receive:
// what the kernel's interface alone costs a reader. Prints at SIGTERM how many records arrived.
// Used by scripts/bench.
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <sys/socket.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "nflog/group_config.h"

namespace {

constexpr std::uint16_t kPacketMessage = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET;

volatile std::sig_atomic_t stopped = 0;

// 0, or -1 with errno from the kernel.
int bind_group(mnl_socket* socket, std::uint16_t group, const kube_nflog::GroupConfig& config) {
  const std::vector<std::byte> request = kube_nflog::bind_request(group, config, 1);
  alignas(nlmsghdr) char answer[256];
  if (mnl_socket_sendto(socket, request.data(), request.size()) < 0) return -1;
  const ssize_t length = mnl_socket_recvfrom(socket, answer, sizeof answer);
  if (length < 0) return -1;
  const unsigned port = mnl_socket_get_portid(socket);
  return mnl_cb_run(answer, static_cast<std::size_t>(length), 1, port, nullptr, nullptr) < 0 ? -1
                                                                                             : 0;
}

mnl_socket* open_group(std::uint16_t group, int rcvbuf) {
  mnl_socket* socket = mnl_socket_open(NETLINK_NETFILTER);
  if (socket == nullptr || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) != 0) return nullptr;
  int on = 1;
  mnl_socket_setsockopt(socket, NETLINK_NO_ENOBUFS, &on, sizeof on);
  const int fd = mnl_socket_get_fd(socket);
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &rcvbuf, sizeof rcvbuf) != 0) return nullptr;
  if (bind_group(socket, group, {}) == 0) return socket;
  if (errno != EOPNOTSUPP) return nullptr;
  return bind_group(socket, group, {.conntrack = false}) == 0 ? socket : nullptr;
}

std::uint64_t receive_until_stopped(mnl_socket* socket) {
  const int fd = mnl_socket_get_fd(socket);
  std::vector<std::uint64_t> buffer(131'072 / sizeof(std::uint64_t));
  std::uint64_t records = 0;
  while (stopped == 0) {
    const ssize_t received = recv(fd, buffer.data(), buffer.size() * sizeof buffer[0], 0);
    int rest = static_cast<int>(received);
    const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
    for (; mnl_nlmsg_ok(message, rest); message = mnl_nlmsg_next(message, &rest)) {
      if (message->nlmsg_type == kPacketMessage) ++records;
    }
  }
  return records;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: null_reader GROUP RCVBUF\n");
    return 64;
  }
  struct sigaction action {};
  action.sa_handler = [](int) { stopped = 1; };  // no SA_RESTART: recv returns
  sigaction(SIGTERM, &action, nullptr);
  mnl_socket* socket =
      open_group(static_cast<std::uint16_t>(std::atoi(argv[1])), std::atoi(argv[2]));
  if (socket == nullptr) {
    std::perror("null_reader");
    return 1;
  }
  std::printf("%llu\n", static_cast<unsigned long long>(receive_until_stopped(socket)));
  mnl_socket_close(socket);
  return 0;
}
