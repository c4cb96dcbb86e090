// SPDX-License-Identifier: Apache-2.0
#include "nflog/kmsg_position.h"

#include "nflog/text.h"

namespace kube_nflog {

std::string kmsg_position(std::string_view boot_id, std::uint64_t next) {
  return std::string(boot_id) + " " + std::to_string(next);
}

KmsgStart kmsg_start(const std::optional<std::string>& kept, std::string_view boot_id,
                     std::uint64_t end) {
  if (!kept) return {end, "its end"};
  const std::string_view text = *kept;
  const std::size_t space = text.find(' ');
  std::optional<std::uint64_t> next;
  if (space != std::string_view::npos) next = number<std::uint64_t>(text.substr(space + 1));
  if (!next) return {end, "its end: the position kept is not one"};
  if (text.substr(0, space) != boot_id) return {0, "the node's boot: it is a new one"};
  if (*next > end) return {end, "its end: the position kept is beyond it"};
  return {*next, "record " + std::to_string(*next) + ", as kept", true};
}

}  // namespace kube_nflog
