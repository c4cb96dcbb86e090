// SPDX-License-Identifier: Apache-2.0
#include "nflog/prefix_advice.h"

#include <algorithm>

#include "nflog/dialect.h"

namespace kube_nflog {
namespace {

// As much of it as stands for itself in the flag's value, within double quotes of a shell.
std::string_view plain_start(std::string_view prefix) {
  static constexpr std::string_view kSpecial =
      ",*\"\\$`!";  // the comma parts prefixes, the star ends one
  const auto special = [](char c) {
    return c < ' ' || c > '~' || kSpecial.find(c) != std::string_view::npos;
  };
  const auto end = std::find_if(prefix.begin(), prefix.end(), special);
  return prefix.substr(0, static_cast<std::size_t>(end - prefix.begin()));
}

// What is to be done, to follow "If they are drops, ".
void add_remedy(Clause& text, std::string_view prefix) {
  if (const std::string_view start = plain_start(prefix); start.empty()) {
    text.say("give their rules a prefix that says so, such as \"DROP: \".");
  } else {
    text.say("give --log-prefix=\"").quote(start).say(start.size() < prefix.size() ? "*" : "");
    text.say("\", and list there whatever other prefix means a drop.");
  }
}

}  // namespace

std::string prefix_advice(std::string_view prefix) {
  prefix = prefix.substr(0, kMaxPrefix);
  Clause text;
  if (prefix.empty()) {
    text.say("Log lines without a prefix");
  } else {
    text.say("Log lines with the prefix \"").quote(prefix).say("\"");
  }
  text.say(" are not counted as drops. If they are drops, ");
  add_remedy(text, prefix);
  return text.text();
}

std::string chosen_advice(std::string_view prefix, std::uint64_t lines) {
  prefix = prefix.substr(0, kMaxPrefix);
  const std::string start = "None of the first " + std::to_string(lines) +
                            " lines of LOG rules has a prefix that --log-prefix or --log-word "
                            "(IPTABLES_LOG_PREFIX) names; the last one's is \"";
  Clause text;
  text.say(start).quote(prefix).say("\". If they are drops, ");
  add_remedy(text, prefix);
  return text.text();
}

}  // namespace kube_nflog
