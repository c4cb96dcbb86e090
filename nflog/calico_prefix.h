// SPDX-License-Identifier: Apache-2.0
// The NFLOG prefixes of Calico's flow logs (felix/rules/nflogprefix.go, v3.30 to v3.34). Used by
// the table of dialects in verdict.cc.
#pragma once

#include <optional>
#include <string_view>

#include "nflog/dialect.h"

namespace kube_nflog {

//   rule       act own dir index "|" id    act: A(llow) D(eny) P(ass), own: P(olicy) pR(ofile),
//   tier end   (D|P) "P" dir "|" tier      dir: I(ngress) E(gress)
//   no match   "DP" dir "|" id             of a staged policy alone
//   no profile "DR" dir
//   hashed     first 10 "_" 41 of base64url "_" last 10 of one of these, where it has 63 or more
//   id, 3.32+  kind "/" [namespace "/"] name; 3.30, 3.31: [namespace "/"] name with its tier
//
// Only D is a drop, and each D rule has its DROP or REJECT right behind it: a packet has any number
// of A and P records and at most one D on a node. (It is dropped at its source's egress or at its
// destination's ingress, never at both.) Staged policies are not enforced, so theirs is none.
// `ingress` is the receiver's policy, `egress` the sender's:
//   egress denied by NetworkPolicy shop/deny-all       ingress denied by profile kns.shop
//   ingress denied in tier default: no policy allows it      egress denied: no profile allows it
std::optional<Reading> read_calico_prefix(std::string_view prefix);

}  // namespace kube_nflog
