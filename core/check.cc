// SPDX-License-Identifier: Apache-2.0
#include "core/check.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "core/printable.h"

namespace kube_nflog {
namespace {

struct Look {
  std::string_view word, colour;
};
// As Grade has them. Failures stand out without colour, too.
constexpr std::array<Look, 4> kLooks{
    {{"ok", "\x1b[32m"}, {"info", "\x1b[36m"}, {"warn", "\x1b[33m"}, {"FAIL", "\x1b[31m"}}};
constexpr std::string_view kPlain = "\x1b[0m";
constexpr std::size_t kGradeWidth = 6, kMaxText = 4096;

}  // namespace

std::size_t Findings::count(Grade grade) const {
  const auto is_so = [grade](const Finding& finding) { return finding.grade == grade; };
  return static_cast<std::size_t>(std::count_if(all_.begin(), all_.end(), is_so));
}

void Findings::soften() {
  for (Finding& finding : all_)
    if (finding.grade == Grade::kFail) finding.grade = Grade::kWarn;
}

std::string print(const Findings& findings, bool colour) {
  std::size_t width = 0;
  for (const Finding& finding : findings.all()) width = std::max(width, finding.subject.size());
  std::string out;
  for (const Finding& finding : findings.all()) {
    const Look& look = kLooks[static_cast<std::size_t>(finding.grade)];
    if (colour) out += look.colour;
    out += look.word;
    if (colour) out += kPlain;
    out.append(kGradeWidth - look.word.size(), ' ');
    out += finding.subject;
    out.append(width - finding.subject.size() + 2, ' ');
    // Rules, files and servers have a say in these texts: none may forge a line or drive a
    // terminal.
    out += on_one_line(finding.text, kMaxText);
    out += '\n';
  }
  return out;
}

}  // namespace kube_nflog
