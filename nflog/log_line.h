// SPDX-License-Identifier: Apache-2.0
// One line that the LOG target wrote, as a drop. Pure, no allocation. Used by nflog/log_intake.
// Grammar: net/netfilter/nf_log_syslog.c. The prefix is glued to `IN=`; every field ends with one
// space, so that a value without it was cut; keys repeat inside `[…]`, the packet that an ICMP
// error quotes.
#pragma once

#include <optional>
#include <string_view>

#include "core/drop.h"
#include "nflog/log_time.h"

namespace kube_nflog {

// Every line of the LOG target has this in it.
inline constexpr std::string_view kLogMark = " OUT=";

struct LogLine {
  WrittenTime time;         // of the header before the prefix, if there is any
  std::string_view prefix;  // the rule's, with the white space around it
  std::string_view body;    // from `IN=` on
};

// Nothing: not a line of the LOG target.
std::optional<LogLine> split_log_line(std::string_view line);

// Fills `interfaces`, and the key except the cause, src_port, mid_stream and link_broadcast of
// `drop`, which must be fresh. False: no IP packet (ARP), or the line was cut where its end
// matters; `drop` is then void. So a cut line never gives another address, protocol or port than
// the whole one.
bool decode_log_body(std::string_view body, Drop& drop, Interfaces& interfaces);

}  // namespace kube_nflog
