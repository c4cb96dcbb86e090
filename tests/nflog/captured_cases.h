// SPDX-License-Identifier: Apache-2.0
// What the real kube-router and k3s controllers logged, case by case, with what was true:
// fixtures/nflog/kube-router. For the tests of what is made of it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/nflog/bytes.h"

namespace kube_nflog::test {

struct CapturedCase {
  std::string variant, title;
  std::size_t packets_denied = 0;
  std::string pod, direction;        // whose policies denied: "shop/web-0", "ingress"
  std::set<std::string> candidates;  // as logged: may lack some
  std::vector<Buffer> records;
};

// The strings of `"key":"text"` or `"key":["text",…]`; none of ours has an escape.
inline std::vector<std::string> json_strings(std::string_view line, std::string_view key) {
  std::vector<std::string> out;
  const std::string start = "\"" + std::string(key) + "\":";
  std::size_t at = line.find(start);
  if (at == std::string_view::npos) return out;
  at += start.size();
  at += line.substr(at).starts_with(' ') ? 1 : 0;
  const bool list = line[at] == '[';
  const std::size_t end = list ? line.find(']', at) : line.find('"', at + 1) + 1;
  while ((at = line.find('"', at)) < end) {
    const std::size_t close = line.find('"', at + 1);
    out.emplace_back(line.substr(at + 1, close - at - 1));
    at = close + 1;
  }
  return out;
}

inline std::vector<CapturedCase> captured_cases() {
  std::vector<CapturedCase> cases;
  for (const std::string& line : lines("nflog/kube-router/records.jsonl")) {
    CapturedCase& c = cases.emplace_back();
    c.variant = json_strings(line, "variant").at(0);
    c.title = c.variant + " " + json_strings(line, "title").at(0);
    constexpr std::string_view kDenied = "\"packets_denied\":";
    c.packets_denied = std::stoul(line.substr(line.find(kDenied) + kDenied.size()));
    if (const auto denied = json_strings(line, "denied"); !denied.empty()) {
      c.pod = denied[0].substr(0, denied[0].find(' '));
      c.direction = denied[0].substr(denied[0].find(' ') + 1);
    }
    for (const std::string& name : json_strings(line, "candidates")) c.candidates.insert(name);
    for (const std::string& text : json_strings(line, "records")) c.records.push_back(hex(text));
  }
  return cases;
}

// "shop/web-0" → its addresses.
inline std::map<std::string, std::set<std::string>> captured_pods() {
  std::map<std::string, std::set<std::string>> pods;
  for (const std::string& line : lines("nflog/kube-router/policies.txt")) {
    if (line.find("\"kind\": \"Pod\"") == std::string::npos) continue;
    for (const std::string& ip : json_strings(line, "podIPs"))
      pods[json_strings(line, "ns").at(0) + "/" + json_strings(line, "name").at(0)].insert(ip);
  }
  pods["payments-production-eu-west-1/ledger-api-0"] = {"10.42.0.14"};  // made for case P1
  return pods;
}

// The names in a cause's clause, without the mark of a cut.
inline std::set<std::string> candidates_of(std::string_view clause) {
  constexpr std::string_view kStart = "candidates: ";
  std::set<std::string> names;
  std::size_t at = clause.find(kStart);
  if (at == std::string_view::npos) return names;
  for (clause.remove_prefix(at + kStart.size()); !clause.empty();) {
    const std::size_t comma = std::min(clause.find(", "), clause.size());
    std::string_view name = clause.substr(0, comma);
    if (name.ends_with("…")) name.remove_suffix(std::string_view("…").size());
    names.emplace(name);
    clause.remove_prefix(std::min(comma + 2, clause.size()));
  }
  return names;
}

}  // namespace kube_nflog::test
