// SPDX-License-Identifier: Apache-2.0
#include "k8s/drop_labels.h"

#include <netinet/in.h>

namespace kube_nflog {

DropProtocol drop_protocol(std::uint8_t protocol) {
  switch (protocol) {
    case IPPROTO_TCP:
      return DropProtocol::kTcp;
    case IPPROTO_UDP:
      return DropProtocol::kUdp;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      return DropProtocol::kIcmp;
    case IPPROTO_SCTP:
      return DropProtocol::kSctp;
    default:
      return DropProtocol::kOther;
  }
}

DropCause drop_cause(const Cause* cause) {
  if (cause == nullptr) return DropCause::kNone;
  return cause->clause.starts_with("denied ") ? DropCause::kPolicy : DropCause::kRule;
}

}  // namespace kube_nflog
