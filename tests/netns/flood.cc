// SPDX-License-Identifier: Apache-2.0
// flood ADDR PORT FLOWS PACKETS: sends PACKETS small UDP datagrams as fast as one core can, in turn
// to the FLOWS ports from PORT on. For tests that need more drops than a scripting language can
// send.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

constexpr unsigned kBatch = 64;

struct Flood {
  sockaddr_in to{};
  unsigned first_port = 0, flows = 1, packets = 0;
};

bool parse(int argc, char** argv, Flood& flood) {
  if (argc != 5) return false;
  flood.to.sin_family = AF_INET;
  const auto number = [&](int i) {
    return static_cast<unsigned>(std::strtoul(argv[i], nullptr, 10));
  };
  flood.first_port = number(2);
  flood.flows = number(3);
  flood.packets = number(4);
  return inet_pton(AF_INET, argv[1], &flood.to.sin_addr) == 1 && flood.flows > 0 &&
         flood.first_port + flood.flows <= 65536;
}

bool send_all(int fd, const Flood& flood) {
  char payload = 0;
  iovec data{&payload, sizeof payload};
  std::array<sockaddr_in, kBatch> to;
  std::array<mmsghdr, kBatch> messages{};
  to.fill(flood.to);
  for (unsigned i = 0; i < kBatch; ++i) {
    messages[i].msg_hdr.msg_name = &to[i];
    messages[i].msg_hdr.msg_namelen = sizeof to[i];
    messages[i].msg_hdr.msg_iov = &data;
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  for (unsigned sent = 0; sent < flood.packets;) {
    const unsigned batch = std::min(kBatch, flood.packets - sent);
    for (unsigned i = 0; i < batch; ++i) {
      const unsigned port = flood.first_port + (sent + i) % flood.flows;
      to[i].sin_port = htons(static_cast<std::uint16_t>(port));
    }
    const int n = sendmmsg(fd, messages.data(), batch, 0);
    if (n < 0 && errno != ENOBUFS && errno != EINTR) return false;
    if (n > 0) sent += static_cast<unsigned>(n);
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  Flood flood;
  if (!parse(argc, argv, flood)) {
    std::fprintf(stderr, "usage: flood ADDR PORT FLOWS PACKETS\n");
    return 64;
  }
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || !send_all(fd, flood)) {
    std::perror("flood");
    return 1;
  }
  close(fd);
  return 0;
}
