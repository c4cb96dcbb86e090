// SPDX-License-Identifier: Apache-2.0
#include "nflog/group_config.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
// libnetfilter_log's own header wants libmnl's before it.
#include <libnetfilter_log/libnetfilter_log.h>

#include <array>

namespace kube_nflog {

std::vector<std::byte> bind_request(std::uint16_t group, const GroupConfig& config,
                                    std::uint32_t request) {
  alignas(nlmsghdr) std::array<char, 256> buffer{};  // all of it takes 72 bytes
  nlmsghdr* message = nflog_nlmsg_put_header(buffer.data(), NFULNL_MSG_CONFIG, AF_UNSPEC, group);
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  message->nlmsg_seq = request;
  nflog_attr_put_cfg_cmd(message, NFULNL_CFG_CMD_BIND);
  nflog_attr_put_cfg_mode(message, NFULNL_COPY_PACKET, config.copy_range);
  mnl_attr_put_u32(message, NFULA_CFG_NLBUFSIZ, htonl(config.buffer_bytes));
  mnl_attr_put_u32(message, NFULA_CFG_TIMEOUT, htonl(config.timeout_centiseconds));
  mnl_attr_put_u32(message, NFULA_CFG_QTHRESH, htonl(config.queue_threshold));
  const int flags = NFULNL_CFG_F_SEQ | (config.conntrack ? NFULNL_CFG_F_CONNTRACK : 0);
  mnl_attr_put_u16(message, NFULA_CFG_FLAGS, htons(static_cast<std::uint16_t>(flags)));
  const auto* first = reinterpret_cast<const std::byte*>(buffer.data());
  return {first, first + message->nlmsg_len};
}

}  // namespace kube_nflog
