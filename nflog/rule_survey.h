// SPDX-License-Identifier: Apache-2.0
// RuleSurvey: which of the node's firewall rules log, whose they are, and what of it this agent
// will see. Pure. Filled by nflog/ruleset, asked by nflog/check_node and nflog/open_source.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/check.h"
#include "nflog/logging_rule.h"

namespace kube_nflog {

// What the agent reads, for judging what rules do.
struct Reads {
  std::vector<std::uint16_t> groups;  // empty: none
  bool kernel_log = false;            // by kmsg, journal or file
};

class RuleSurvey {
 public:
  void add(const LoggingRule& rule);

  // One finding for each group that is read or logged to, the kernel's log, and those whose rules
  // are here without logging. `holder` says who holds a group: `ulogd (pid 7)`; empty: nobody that
  // is known.
  Findings judge(const Reads& reads, const std::function<std::string(std::uint16_t)>& holder) const;

  // Where no rule logs to any of these groups, which are read: that, and what the rules do instead,
  // or else what to add. Empty: one does.
  std::string silence(const std::vector<std::uint16_t>& groups,
                      const std::function<std::string(std::uint16_t)>& holder) const;

 private:
  // Rules that log to one place. Whose they are: names from a table of ours; the first rule that
  // bears a prefix is an example.
  struct Place {
    std::size_t rules = 0;
    std::map<std::string_view, std::size_t> owners;
    std::string prefix, chain;

    std::string rules_of_whom() const;
    std::string example() const;
  };

  void judge_group(std::uint16_t group, const Place& place, const std::string& holder, bool is_read,
                   Findings& out) const;
  void judge_kernel_log(bool is_read, Findings& out) const;
  void judge_silent(Findings& out) const;

  static constexpr std::size_t kMaxGroups = 256;  // told apart; rules of further ones are left out
  std::map<std::uint16_t, Place> groups_;
  Place kernel_log_;
  std::map<std::string_view, std::size_t> owners_;  // of all rules, logging or not
  std::map<std::string_view, std::size_t> loggers_;
};

// Whose rules stand in such a table or chain, by the names that it gives them; empty: not known.
std::string_view rule_owner(std::string_view table, std::string_view chain);

}  // namespace kube_nflog
