// SPDX-License-Identifier: Apache-2.0
#include "nflog/calico_prefix.h"

#include <algorithm>
#include <array>
#include <string>

namespace kube_nflog {
namespace {

constexpr std::string_view kDigits = "0123456789";

bool all_of(std::string_view text, std::string_view others) {
  return std::all_of(text.begin(), text.end(), [others](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           others.find(c) != std::string_view::npos;
  });
}

bool strip(std::string_view& text, std::string_view start) {
  if (!text.starts_with(start)) return false;
  text.remove_prefix(start.size());
  return true;
}

// A prefix, or what a hashed one leaves of it: its head and tail.
struct Name {
  std::string_view head, tail;
  bool hashed = false;
  std::string text() const {
    std::string whole(head);
    return hashed ? whole.append("…").append(tail) : whole;
  }
};

// No name of Kubernetes has an underscore, so where they stand tells a hash.
Name unhash(std::string_view prefix) {
  constexpr std::size_t kLength = 63, kEdge = 10, kHash = 41;
  if (prefix.size() != kLength || prefix[kEdge] != '_' || prefix[kEdge + 1 + kHash] != '_' ||
      !all_of(prefix.substr(kEdge + 1, kHash), "_-")) {
    return {prefix, {}};
  }
  return {prefix.substr(0, kEdge), prefix.substr(kLength - kEdge), true};
}

struct Kind {
  std::string_view id, kind;
  bool namespaced;
  bool staged = false;
};
constexpr std::array kKinds{
    Kind{"np", "NetworkPolicy", true},
    Kind{"knp", "NetworkPolicy", true},
    Kind{"gnp", "GlobalNetworkPolicy", false},
    Kind{"kcnp", "ClusterNetworkPolicy", false},
    Kind{"snp", "StagedNetworkPolicy", true, true},
    Kind{"sknp", "StagedKubernetesNetworkPolicy", true, true},
    Kind{"sgnp", "StagedGlobalNetworkPolicy", false, true},
};

// What Calico puts before the name of an object that it keeps as a policy of its own.
struct Alias {
  std::string_view start, kind;
};
constexpr std::array kAliases{
    Alias{"knp.default.", "NetworkPolicy"},
    Alias{"kanp.adminnetworkpolicy.", "AdminNetworkPolicy"},
    Alias{"kbanp.baselineadminnetworkpolicy.", "BaselineAdminNetworkPolicy"},
    Alias{"kcnp.kube-admin.", "ClusterNetworkPolicy"},
    Alias{"kcnp.kube-baseline.", "ClusterNetworkPolicy"},
};

const Kind* kind_of(const Name& id) {
  const auto slashes = std::count(id.head.begin(), id.head.end(), '/');
  const std::string_view first = id.head.substr(0, id.head.find('/'));
  const auto kind = std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& k) {
    return k.id == first && slashes >= 1 && (id.hashed || slashes == (k.namespaced ? 2 : 1));
  });
  return kind == kKinds.end() ? nullptr : &*kind;
}

std::string policy_text(Name id, const Kind* kind) {
  if (kind != nullptr) id.head.remove_prefix(kind->id.size() + 1);
  const std::size_t slash = id.head.find('/');
  const bool namespaced = slash != std::string_view::npos;
  std::string where(id.head.substr(0, namespaced ? slash + 1 : 0));
  if (namespaced) id.head.remove_prefix(slash + 1);
  // Without a kind, before 3.32: what has a namespace is a NetworkPolicy.
  std::string_view word = kind != nullptr ? kind->kind
                          : namespaced    ? "NetworkPolicy"
                          : id.hashed     ? "policy"
                                          : "GlobalNetworkPolicy";
  for (const Alias& alias : kAliases) {
    if (!strip(id.head, alias.start)) continue;
    if (kind == nullptr) word = alias.kind;
    break;
  }
  return std::string(word).append(" ").append(where).append(id.text());
}

bool is_staged(const Name& id, const Kind* kind) {
  return (kind != nullptr && kind->staged) || id.head.find("staged:") != std::string_view::npos;
}

bool is_id(std::string_view text) {
  return !text.starts_with('/') && !text.ends_with('/') &&
         text.find("//") == std::string_view::npos && all_of(text, "._-/:");
}

}  // namespace

std::optional<Reading> read_calico_prefix(std::string_view prefix) {
  Name rest = unhash(prefix);
  std::string_view& head = rest.head;
  if (head.size() < 3) return std::nullopt;
  const char act = head[0], owner = head[1], direction = head[2];
  if ((act != 'A' && act != 'D' && act != 'P') || (owner != 'P' && owner != 'R') ||
      (direction != 'I' && direction != 'E')) {
    return std::nullopt;
  }
  const std::string denied = direction == 'I' ? "ingress denied" : "egress denied";
  head.remove_prefix(3);
  if (head.empty()) {
    if (act != 'D' || owner != 'R') return std::nullopt;
    return Reading{Ruling::kDrop, denied + ": no profile allows it"};
  }
  const std::size_t digits = std::min(head.find_first_not_of(kDigits), head.size());
  head.remove_prefix(digits);
  const bool rule = digits != 0;
  if (!rule && (act == 'A' || owner == 'R')) return std::nullopt;
  if (!strip(head, "|") || (head.empty() && !rest.hashed)) return std::nullopt;
  // The edges of a hash may be in the middle of anything.
  if (rest.hashed ? !all_of(head, "._-/:") || !all_of(rest.tail, "._-/:") : !is_id(head)) {
    return std::nullopt;
  }

  const Kind* kind = owner == 'P' ? kind_of(rest) : nullptr;
  if (act != 'D' || is_staged(rest, kind)) return Reading{Ruling::kAllow, {}};
  if (owner == 'R') return Reading{Ruling::kDrop, denied + " by profile " + rest.text()};
  // A tier has no slash in its name, a policy without a rule's number always has.
  if (!rule && head.find('/') == std::string_view::npos)
    return Reading{Ruling::kDrop, denied + " in tier " + rest.text() + ": no policy allows it"};
  return Reading{Ruling::kDrop, denied + " by " + policy_text(rest, kind)};
}

}  // namespace kube_nflog
