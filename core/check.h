// SPDX-License-Identifier: Apache-2.0
// What --check has found out, one line each. nflog/check_node and k8s/check_cluster find, main()
// prints.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kube_nflog {

enum class Grade : std::uint8_t {
  kOk,
  kInfo,  // a fact that is neither good nor bad
  kWarn,  // the agent starts, but tells less than it could
  kFail,  // the agent does not start, or tells nothing
};

struct Finding {
  Grade grade = Grade::kOk;
  std::string subject;  // "group 100"
  std::string text;     // what is so; unless it is well, what to do
};

// In the order in which they were made.
class Findings {
 public:
  void ok(std::string_view subject, std::string_view text) { add(Grade::kOk, subject, text); }
  void info(std::string_view subject, std::string_view text) { add(Grade::kInfo, subject, text); }
  void warn(std::string_view subject, std::string_view text) { add(Grade::kWarn, subject, text); }
  void fail(std::string_view subject, std::string_view text) { add(Grade::kFail, subject, text); }
  void add(Grade grade, std::string_view subject, std::string_view text) {
    all_.push_back({grade, std::string(subject), std::string(text)});
  }
  void add(const Findings& more) { all_.insert(all_.end(), more.all_.begin(), more.all_.end()); }

  const std::vector<Finding>& all() const { return all_; }
  std::size_t count(Grade grade) const;
  bool any_failed() const { return count(Grade::kFail) > 0; }
  // What would have kept the agent from starting does not, since something else stands in for it.
  void soften();

 private:
  std::vector<Finding> all_;
};

// `ok    group 100   free`: aligned columns, one line a finding whatever its text holds.
std::string print(const Findings& findings, bool colour);

}  // namespace kube_nflog
