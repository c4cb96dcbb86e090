// SPDX-License-Identifier: Apache-2.0
// What a row of core/options.cc is made of: how a value of each kind is taken and shown. Used by
// core/options alone.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/option_value.h"

namespace kube_nflog::option_row {

using option_value::Parsed;
using Take = std::function<Parsed(const std::string&)>;

// One option is one row: flag, what --help shows of its value and meaning, how its value is taken
// and how it is printed. The environment twin is derived: --log-file is KUBE_NFLOG_LOG_FILE.
// `peer_env` is the name that kube-iptables-tailer used for the same thing, and `peer_value` how
// its values map to ours: all that it took, we take.
struct Row {
  std::string flag, value, help;
  Take take;
  std::function<std::string()> print;
  std::string peer_env = {};
  std::function<option_value::Mapped(const std::string&)> peer_value = {};
};

inline Take into(std::string& target) {
  return [&target](const std::string& v) -> Parsed {
    target = v;
    return {};
  };
}

inline Take into(std::uint32_t& target, std::uint32_t least) {
  return [&target, least](const std::string& v) -> Parsed {
    return option_value::take_number(target, least, v);
  };
}

inline Take into(std::chrono::milliseconds& target, std::chrono::milliseconds least) {
  return [&target, least](const std::string& v) -> Parsed {
    return option_value::take_time(target, least, v);
  };
}

template <class E>
using Choices = std::vector<std::pair<std::string, E>>;

template <class E>
std::string names(const Choices<E>& choices) {
  std::string all;
  for (const auto& [name, unused] : choices)
    if (!name.empty()) all += (all.empty() ? "" : "|") + name;
  return all;
}

template <class E>
Take into(E& target, Choices<E> choices) {
  return [&target, choices](const std::string& v) -> Parsed {
    for (const auto& [name, value] : choices)
      if (name == v) {
        target = value;
        return {};
      }
    return "is none of " + names(choices);
  };
}

template <class E>
std::function<std::string()> shown(const E& target, Choices<E> choices) {
  return [&target, choices] {
    for (const auto& [name, value] : choices)
      if (value == target) return name;
    return std::string();
  };
}
inline std::function<std::string()> shown(const std::string& target) {
  return [&target] { return target; };
}
inline std::function<std::string()> shown(const std::uint32_t& target) {
  return [&target] { return std::to_string(target); };
}
inline std::function<std::string()> shown(const std::chrono::milliseconds& target) {
  return [&target] { return option_value::print_time(target); };
}

template <class E>
Row choice(std::string flag, std::string help, E& target, const Choices<E>& choices) {
  return {std::move(flag), names(choices), std::move(help), into(target, choices),
          shown(target, choices)};
}

}  // namespace kube_nflog::option_row
