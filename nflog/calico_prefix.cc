// SPDX-License-Identifier: Apache-2.0
#include "nflog/calico_prefix.h"

#include <algorithm>
#include <array>

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
  void add_to(Clause& clause) const {
    clause.quote(head);
    if (hashed) clause.say("…").quote(tail);
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

void add_policy(Clause& clause, Name id, const Kind* kind) {
  if (kind != nullptr) id.head.remove_prefix(kind->id.size() + 1);
  const std::size_t slash = id.head.find('/');
  const bool namespaced = slash != std::string_view::npos;
  const std::string_view where = id.head.substr(0, namespaced ? slash + 1 : 0);
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
  clause.say(word).say(" ").quote(where);
  id.add_to(clause);
}

// A policy that is not enforced. 3.30 and 3.31 say so in its name; of a hashed prefix the start of
// that, or of a staged kind, is enough, since an Event for what goes on would be a lie.
bool is_staged(const Name& id, const Kind* kind) {
  constexpr std::string_view kMark = "staged:";
  if (kind != nullptr) return kind->staged;
  if (id.head.find(kMark) != std::string_view::npos) return true;
  const std::string_view last = id.head.substr(id.head.rfind('/') + 1);  // npos + 1: all of it
  return id.hashed && last.size() > 1 &&
         (kMark.starts_with(last) || std::any_of(kKinds.begin(), kKinds.end(), [&](const Kind& k) {
            return k.staged && k.id.starts_with(id.head);
          }));
}

bool is_id(std::string_view text) {
  return !text.starts_with('/') && !text.ends_with('/') &&
         text.find("//") == std::string_view::npos && all_of(text, "._-/:");
}

// The edges of a hash may be in the middle of anything.
bool is_clean(const Name& id) {
  constexpr std::string_view kOthers = "._-/:";
  return id.hashed ? all_of(id.head, kOthers) && all_of(id.tail, kOthers) : is_id(id.head);
}

// What follows "|" of a prefix that says D: nothing if it goes on all the same. `rule` is whether
// it has a rule's number.
std::optional<Clause> denial(Clause clause, const Name& id, bool of_policy, bool rule) {
  const Kind* kind = of_policy ? kind_of(id) : nullptr;
  if (of_policy && is_staged(id, kind)) return std::nullopt;
  if (!of_policy) {
    id.add_to(clause.say(" by profile "));
  } else if (rule) {
    add_policy(clause.say(" by "), id, kind);
  } else {
    // A tier has no slash in its name. A policy has, and without a rule's number it is a staged one
    // of which no rule matched.
    if (id.head.find('/') != std::string_view::npos) return std::nullopt;
    id.add_to(clause.say(" in tier "));
    clause.say(": no policy allows it");
  }
  return clause;
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
  Clause denied;
  denied.say(direction == 'I' ? "ingress denied" : "egress denied");
  head.remove_prefix(3);
  if (head.empty()) {
    if (act != 'D' || owner != 'R') return std::nullopt;
    return Reading{Ruling::kDrop, denied.say(": no profile allows it")};
  }
  const std::size_t digits = std::min(head.find_first_not_of(kDigits), head.size());
  head.remove_prefix(digits);
  const bool rule = digits != 0;
  if (!rule && (act == 'A' || owner == 'R')) return std::nullopt;
  if (!strip(head, "|") || (head.empty() && !rest.hashed) || !is_clean(rest)) return std::nullopt;
  if (act != 'D') return Reading{Ruling::kAllow};
  const std::optional<Clause> clause = denial(denied, rest, owner == 'P', rule);
  return clause ? Reading{Ruling::kDrop, *clause} : Reading{Ruling::kAllow};
}

}  // namespace kube_nflog
