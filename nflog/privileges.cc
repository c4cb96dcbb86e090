// SPDX-License-Identifier: Apache-2.0
#include "nflog/privileges.h"

#include <cap-ng.h>
#include <sys/prctl.h>

#include <cerrno>
#include <cstring>

namespace kube_nflog {

Result<> drop_capabilities(Keep keep) {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return fail(std::string("prctl PR_SET_NO_NEW_PRIVS: ") + std::strerror(errno), Exit::kFailure,
                errno);
  }
  const unsigned kept = keep == Keep::kNetAdmin ? CAP_NET_ADMIN : CAP_DAC_READ_SEARCH;
  const bool keeps = keep != Keep::kNothing && capng_have_capability(CAPNG_PERMITTED, kept) != 0;
  const bool may_bound = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) != 0;
  capng_clear(may_bound ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS);
  if (keeps) {
    capng_update(CAPNG_ADD, static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED), kept);
  }
  if (capng_apply(may_bound ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS) != 0) {
    return fail("Cannot give up capabilities with capset(2).", Exit::kNoPermission);
  }
  return {};
}

bool holds_net_admin() { return capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN) != 0; }

}  // namespace kube_nflog
