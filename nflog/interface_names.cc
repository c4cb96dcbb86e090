// SPDX-License-Identifier: Apache-2.0
#include "nflog/interface_names.h"

namespace kube_nflog {

void InterfaceNames::learn(const Link& link) {
  const auto it = names_.find(link.index);
  if (it != names_.end() && it->second == link.name) return;  // most changes are of other things
  if (link.name.empty()) {
    if (names_.erase(link.index) == 0) return;
  } else if (it == names_.end() && names_.size() >= capacity_) {
    full_ = true;
  } else {
    names_.insert_or_assign(link.index, link.name);
  }
  asked_.fill({});
}

void InterfaceNames::forget_all() {
  names_.clear();
  full_ = false;
  asked_.fill({});
}

InterfaceNames::Asked InterfaceNames::look_up(std::uint32_t in, std::uint32_t out) {
  Asked asked{.in = in, .out = out};
  Interfaces pair;
  const bool in_known = look_up(in, pair.in), out_known = look_up(out, pair.out);
  if (!pair.empty()) asked.names = table_.intern(pair);
  asked.left_out = !in_known || !out_known || (asked.names == nullptr && !pair.empty());
  return asked;
}

bool InterfaceNames::look_up(std::uint32_t index, InterfaceName& name) const {
  const auto it = names_.find(index);
  if (it != names_.end()) name = it->second;
  return it != names_.end() || index == 0 || !full_;
}

}  // namespace kube_nflog
