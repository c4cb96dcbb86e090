// SPDX-License-Identifier: Apache-2.0
#include "nflog/rule_survey.h"

#include <algorithm>
#include <array>
#include <span>

#include "nflog/dialect.h"

namespace kube_nflog {
namespace {

constexpr std::string_view kKubeRouter = "kube-router or k3s", kCalico = "Calico",
                           kWeave = "weave-npc", kCilium = "Cilium";

struct Name {
  std::string_view begin, owner;
};
// How chains begin.
constexpr std::array<Name, 9> kChains{{{"KUBE-POD-FW-", kKubeRouter},
                                       {"KUBE-NWPLCY-", kKubeRouter},
                                       {"KUBE-ROUTER-", kKubeRouter},
                                       {"cali-", kCalico},
                                       {"filter-cali-", kCalico},
                                       {"WEAVE-NPC", kWeave},
                                       {"CILIUM_", kCilium},
                                       {"ANTREA-", "Antrea"},
                                       {"ufw-", "ufw"}}};
constexpr std::array<Name, 3> kTables{
    {{"kube-router", kKubeRouter}, {"calico", kCalico}, {"firewalld", "firewalld"}}};

// Those that enforce NetworkPolicies; what to do where none of their rules logs.
struct Advice {
  std::string_view owner, text;
};
constexpr std::array<Advice, 4> kSilent{{
    {kKubeRouter,
     "has rules here, but none that logs: they come with the first NetworkPolicy that selects a "
     "Pod of this node."},
    {kCalico,
     "has rules here, but none that logs: give a policy a rule with `action: Log` before the one "
     "that denies, and read it with --source=kmsg."},
    {kWeave, "has rules here, but none that logs."},
    {kCilium,
     "has rules here. It enforces policies by eBPF, which netfilter does not log: drops by its "
     "policies will not be told."},
}};

std::string_view begun_so(std::string_view text, std::span<const Name> names) {
  for (const Name& name : names)
    if (text.starts_with(name.begin)) return name.owner;
  return {};
}

std::string count_of(std::size_t rules) {
  return std::to_string(rules) + (rules == 1 ? " rule" : " rules");
}

// `100, 101`
std::string list_of(const std::vector<std::uint16_t>& groups) {
  std::string list;
  for (const std::uint16_t group : groups)
    list += (list.empty() ? "" : ", ") + std::to_string(group);
  return list;
}

std::string none_logs_to(const std::vector<std::uint16_t>& groups) {
  return "No rule of this node logs to group " + list_of(groups) + ", so nothing is told of.";
}

std::string rule_for(std::uint16_t group) {
  return "Put one before each rule that drops: iptables -A CHAIN -j NFLOG --nflog-group " +
         std::to_string(group) + " --nflog-prefix \"drop:NAMESPACE/POLICY\"";
}

bool is_calicos(std::uint16_t group) { return group >= 1 && group <= 3; }

}  // namespace

std::string_view rule_owner(std::string_view table, std::string_view chain) {
  const std::string_view by_chain = begun_so(chain, kChains);
  return by_chain.empty() ? begun_so(table, kTables) : by_chain;
}

void RuleSurvey::add(const LoggingRule& rule) {
  const std::string_view owner = rule_owner(rule.table, rule.chain);
  if (!owner.empty()) ++owners_[owner];
  if (rule.to == LoggingRule::To::kNowhere) return;
  if (!owner.empty()) ++loggers_[owner];
  Place* place = &kernel_log_;
  if (rule.to == LoggingRule::To::kNflogGroup) {
    if (groups_.size() >= kMaxGroups && !groups_.contains(rule.group)) return;
    place = &groups_[rule.group];
  }
  ++place->rules;
  ++place->owners[owner];
  if (place->prefix.empty()) place->prefix = rule.prefix.substr(0, kMaxPrefix);
  if (place->chain.empty()) place->chain = rule.chain.substr(0, kMaxPrefix);
}

// `12 rules of Calico and others`.
std::string RuleSurvey::Place::rules_of_whom() const {
  std::string names;
  for (const auto& [owner, unused] : owners)
    if (!owner.empty()) names += std::string(names.empty() ? " of " : ", ") + std::string(owner);
  if (!names.empty() && owners.contains("")) names += " and others";
  return count_of(rules) + names;
}

// ` (in chain FORWARD, prefix "drop")`.
std::string RuleSurvey::Place::example() const {
  Clause text;
  if (!chain.empty()) text.say("in chain ").quote(chain);
  if (!prefix.empty())
    text.say(chain.empty() ? "prefix \"" : ", prefix \"").quote(prefix).say("\"");
  return text.empty() ? "" : " (" + text.text() + ")";
}

Findings RuleSurvey::judge(const Reads& reads,
                           const std::function<std::string(std::uint16_t)>& holder) const {
  Findings out;
  for (const std::uint16_t group : reads.groups) {
    const auto it = groups_.find(group);
    judge_group(group, it == groups_.end() ? Place() : it->second, "", true, out);
  }
  for (const auto& [group, place] : groups_) {
    const bool is_read =
        std::find(reads.groups.begin(), reads.groups.end(), group) != reads.groups.end();
    if (!is_read) judge_group(group, place, holder(group), false, out);
  }
  judge_kernel_log(reads.kernel_log, out);
  judge_silent(out);
  return out;
}

std::string RuleSurvey::silence(const std::vector<std::uint16_t>& groups,
                                const std::function<std::string(std::uint16_t)>& holder) const {
  constexpr std::size_t kMaxSentences = 8;  // what else there may be, --check tells
  const auto is_logged_to = [&](std::uint16_t group) { return groups_.contains(group); };
  if (groups.empty() || std::any_of(groups.begin(), groups.end(), is_logged_to)) return {};
  std::string text = none_logs_to(groups);
  const Findings instead = judge({}, holder);
  if (instead.all().empty()) return text + " " + rule_for(groups.front());
  for (std::size_t i = 0; i < std::min(instead.all().size(), kMaxSentences); ++i)
    text += " " + instead.all()[i].text;
  return text;
}

void RuleSurvey::judge_group(std::uint16_t group, const Place& place, const std::string& holder,
                             bool is_read, Findings& out) const {
  const std::string number = std::to_string(group);
  const std::string logs = place.rules_of_whom() + " log" + (place.rules == 1 ? "s" : "") +
                           " to group " + number + place.example();
  if (is_read && place.rules > 0) {
    out.ok("rules", logs + ", which is read.");
  } else if (is_read) {
    out.warn("rules", none_logs_to({group}) + " " + rule_for(group));
  } else if (is_calicos(group)) {
    out.info("rules", logs +
                          ": Calico's flow logs, which Felix alone can read. To have Calico's "
                          "drops told, give its policies `action: Log` and read --source=kmsg.");
  } else if (!holder.empty()) {
    out.info("rules", logs + ", which " + holder + " reads, and no other can.");
  } else {
    out.warn("rules", logs + ", which is not read: name it with --nflog-group.");
  }
}

void RuleSurvey::judge_kernel_log(bool is_read, Findings& out) const {
  const std::size_t rules = kernel_log_.rules;
  const std::string logs = kernel_log_.rules_of_whom() + " log" + (rules == 1 ? "s" : "") +
                           " to the kernel's log" + kernel_log_.example();
  if (is_read && rules > 0) {
    out.ok("rules", logs + ", which is read.");
  } else if (is_read) {
    out.warn("rules",
             "No rule of this node logs to the kernel's log, so nothing is told of. Put one before "
             "each rule that drops: iptables -A CHAIN -j LOG --log-prefix \"DROP: \"");
  } else if (rules > 0) {
    out.info("rules", logs + ", which is not read: --source=kmsg, journal or file would.");
  }
}

void RuleSurvey::judge_silent(Findings& out) const {
  for (const Advice& advice : kSilent) {
    if (owners_.contains(advice.owner) && !loggers_.contains(advice.owner))
      out.info("rules", std::string(advice.owner) + " " + std::string(advice.text));
  }
}

}  // namespace kube_nflog
