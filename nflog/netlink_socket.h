// SPDX-License-Identifier: Apache-2.0
// NetlinkSocket: one NETLINK_NETFILTER socket with a wide receive buffer. Used by nflog_source, on
// one thread at a time. It owns the NFLOG groups bound through it: they end when it is closed.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/error.h"
#include "core/unique_fd.h"
#include "nflog/cursor.h"

namespace kube_nflog {

class NetlinkSocket {
 public:
  // `rcvbuf_bytes` is asked for past net.core.rmem_max where CAP_NET_ADMIN allows, up to it
  // otherwise.
  static Result<NetlinkSocket> open(std::uint32_t rcvbuf_bytes);

  int fd() const { return fd_.get(); }
  std::uint32_t port_id() const { return port_id_; }
  std::uint32_t rcvbuf_bytes() const {
    return rcvbuf_bytes_;
  }  // granted, as the kernel accounts it

  // Sends a request that asks for an answer, and returns the answer: errno, 0 = done; ENOBUFS:
  // the answer was lost because the buffer was full, and whether the request was done is not known.
  // Datagrams that arrive before the answer are appended to `early`, whole: as much as the buffer
  // held. `number` is the request's nlmsg_seq.
  Result<int> request(Bytes message, std::uint32_t number,
                      std::vector<std::vector<std::byte>>& early);

  // The next datagram from the kernel, valid until the next call. Nothing: none is waiting. Never
  // blocks. A datagram that did not fit comes cut: its last message is damaged, to be counted.
  Result<std::optional<Bytes>> receive();

  // Datagrams that the kernel dropped because the buffer was full, since open. The prompt sign of
  // loss: it moves though nothing more arrives. How many records they held, only sequence gaps
  // tell. Nothing: the kernel does not say.
  std::optional<std::uint32_t> dropped_datagrams() const;

 private:
  NetlinkSocket(UniqueFd fd, std::uint32_t port_id);
  Result<> prepare(std::uint32_t rcvbuf_bytes);

  UniqueFd fd_;
  std::uint32_t port_id_ = 0;
  std::uint32_t rcvbuf_bytes_ = 0;
  std::vector<std::byte> buffer_;
};

}  // namespace kube_nflog
