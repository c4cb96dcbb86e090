// SPDX-License-Identifier: Apache-2.0
// What log daemons put before the kernel's words: time, host, tag, uptime. Pure. Used by
// nflog/log_line.
#pragma once

#include <string_view>

namespace kube_nflog {

// `text` without such a header, as far as one is recognised: syslog's with an RFC 3164 or RFC 3339
// time, up to the tag `kernel:`, or ulogd's, which ends with the host; and the kernel's `[
// 123.456789]`.
std::string_view without_header(std::string_view text);

}  // namespace kube_nflog
