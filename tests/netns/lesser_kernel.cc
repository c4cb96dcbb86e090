// SPDX-License-Identifier: Apache-2.0
// liblesser_kernel.so, to preload: the process finds a kernel without nfnetlink_log, or with
// NO_NFNETLINK in its environment one without nfnetlink. For no_nflog.sh, since a machine has one
// kernel.
#include <dlfcn.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" int socket(int family, int type, int protocol) noexcept {
  if (family == AF_NETLINK && protocol == NETLINK_NETFILTER && std::getenv("NO_NFNETLINK")) {
    errno = EPROTONOSUPPORT;
    return -1;
  }
  return next<decltype(socket)>("socket")(family, type, protocol);
}

// What is meant for nfnetlink_log goes to a part of nfnetlink that no kernel has, so that the real
// one answers as where that part is missing.
extern "C" ssize_t sendto(int fd, const void* data, size_t size, int flags, const sockaddr* address,
                          socklen_t address_size) {
  std::vector<char> message(static_cast<const char*>(data), static_cast<const char*>(data) + size);
  if (address != nullptr && address->sa_family == AF_NETLINK && size >= sizeof(nlmsghdr)) {
    nlmsghdr header;
    std::memcpy(&header, message.data(), sizeof header);
    if (header.nlmsg_type >> 8 == NFNL_SUBSYS_ULOG) {
      header.nlmsg_type = static_cast<std::uint16_t>((header.nlmsg_type & 0xff) | 0xf0 << 8);
      std::memcpy(message.data(), &header, sizeof header);
    }
  }
  return next<decltype(sendto)>("sendto")(fd, message.data(), size, flags, address, address_size);
}
