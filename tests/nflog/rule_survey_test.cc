// SPDX-License-Identifier: Apache-2.0
#include "nflog/rule_survey.h"

#include <gtest/gtest.h>

namespace kube_nflog {
namespace {

using To = LoggingRule::To;

std::string nobody(std::uint16_t) { return ""; }

std::string judged(const RuleSurvey& survey, const Reads& reads,
                   const std::function<std::string(std::uint16_t)>& holder = nobody) {
  return print(survey.judge(reads, holder), false);
}

Reads groups(std::vector<std::uint16_t> all) {
  return {.groups = std::move(all), .kernel_log = false};
}
Reads kernel_log() { return {.groups = {}, .kernel_log = true}; }

TEST(RuleSurvey, SaysThatKubeRoutersRulesAreRead) {
  RuleSurvey survey;
  survey.add({"filter", "KUBE-POD-FW-ABC", To::kNflogGroup, 100, ""});
  survey.add({"filter", "KUBE-POD-FW-DEF", To::kNflogGroup, 100, ""});
  survey.add({"filter", "KUBE-POD-FW-DEF", To::kNowhere, 0, ""});
  EXPECT_EQ(judged(survey, groups({100})),
            "ok    rules  2 rules of kube-router or k3s log to group 100 (in chain "
            "KUBE-POD-FW-ABC), which is read.\n");
}

TEST(RuleSurvey, SaysWhichRuleToAddWhereNoneLogs) {
  EXPECT_EQ(judged({}, groups({100})),
            "warn  rules  No rule of this node logs to group 100, so nothing is told of. Put one "
            "before each rule that drops: iptables -A CHAIN -j NFLOG --nflog-group 100 "
            "--nflog-prefix \"drop:NAMESPACE/POLICY\"\n");
  EXPECT_EQ(judged({}, kernel_log()).substr(0, 60),
            "warn  rules  No rule of this node logs to the kernel's log, ");
}

TEST(RuleSurvey, SaysWhatIsLoggedAndNotRead) {
  RuleSurvey survey;
  survey.add({"inet", "mine", To::kNflogGroup, 5, "drop:shop/x"});
  survey.add({"inet", "mine", To::kNflogGroup, 100, ""});
  survey.add({"filter", "FORWARD", To::kNflogGroup, 86, ""});
  survey.add({"filter", "ufw-user", To::kKernelLog, 0, "[UFW BLOCK] "});
  const std::string text = judged(survey, groups({100}), [](std::uint16_t group) {
    return group == 86 ? std::string("ulogd (pid 7)") : std::string();
  });
  EXPECT_EQ(text,
            "ok    rules  1 rule logs to group 100 (in chain mine), which is read.\n"
            "warn  rules  1 rule logs to group 5 (in chain mine, prefix \"drop:shop/x\"), which is "
            "not read: name it with --nflog-group.\n"
            "info  rules  1 rule logs to group 86 (in chain FORWARD), which ulogd (pid 7) reads, "
            "and no other can.\n"
            "info  rules  1 rule of ufw logs to the kernel's log (in chain ufw-user, prefix \"[UFW "
            "BLOCK] \"), which is not read: --source=kmsg, journal or file would.\n");
}

TEST(RuleSurvey, WhereNoRuleLogsToUsItSaysWhatTheyDoInstead) {
  RuleSurvey survey;
  EXPECT_EQ(survey.silence({100, 86}, nobody),
            "No rule of this node logs to group 100, 86, so nothing is told of. Put one before "
            "each rule that drops: iptables -A CHAIN -j NFLOG --nflog-group 100 --nflog-prefix "
            "\"drop:NAMESPACE/POLICY\"");
  survey.add({"filter", "cali-pi-1", To::kKernelLog, 0, "calico-packet: "});
  EXPECT_EQ(survey.silence({100}, nobody),
            "No rule of this node logs to group 100, so nothing is told of. 1 rule of Calico logs "
            "to the kernel's log (in chain cali-pi-1, prefix \"calico-packet: \"), which is not "
            "read: --source=kmsg, journal or file would.");
  survey.add({"inet", "mine", To::kNflogGroup, 5, ""});
  EXPECT_NE(survey.silence({100}, nobody).find("name it with --nflog-group. 1 rule of Calico"),
            std::string::npos);
  EXPECT_EQ(survey.silence({100, 5}, nobody), "") << "one of them is logged to";
  EXPECT_EQ(survey.silence({}, nobody), "");
  for (unsigned group = 10; group < 100; ++group)
    survey.add({"t", "c", To::kNflogGroup, static_cast<std::uint16_t>(group), ""});
  EXPECT_LT(survey.silence({100}, nobody).size(), 1'000u);
}

TEST(RuleSurvey, CalicosFlowLogsAreFelixs) {
  RuleSurvey survey;
  survey.add({"filter", "cali-tw-1", To::kNflogGroup, 1, "DPI|default"});
  survey.add({"calico", "filter-cali-fw-2", To::kNflogGroup, 2, "APE0|x"});
  const std::string text = judged(survey, kernel_log());
  EXPECT_NE(text.find("info  rules  1 rule of Calico logs to group 1 (in chain cali-tw-1, prefix "
                      "\"DPI|default\"): Calico's flow logs"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("to group 2 "), std::string::npos) << text;
  survey.add({"filter", "cali-pi-1", To::kKernelLog, 0, "calico-packet: "});
  EXPECT_NE(judged(survey, kernel_log())
                .find("ok    rules  1 rule of Calico logs to the kernel's log (in chain cali-pi-1, "
                      "prefix \"calico-packet: \"), which is read.\n"),
            std::string::npos);
}

TEST(RuleSurvey, SaysWhoseRulesAreHereWithoutLogging) {
  RuleSurvey survey;
  survey.add({"filter", "KUBE-NWPLCY-COMMON", To::kNowhere, 0, ""});
  survey.add({"filter", "cali-FORWARD", To::kNowhere, 0, ""});
  survey.add({"filter", "CILIUM_FORWARD", To::kNowhere, 0, ""});
  survey.add({"filter", "KUBE-SERVICES", To::kNowhere, 0, ""});  // kube-proxy's
  survey.add({"mine", "c", To::kNflogGroup, 100, ""});
  const std::string text = judged(survey, groups({100}));
  EXPECT_NE(text.find("info  rules  kube-router or k3s has rules here, but none that logs: they "
                      "come with the first NetworkPolicy"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("info  rules  Calico has rules here, but none that logs: give a policy"),
            std::string::npos);
  EXPECT_NE(text.find("info  rules  Cilium has rules here."), std::string::npos);
}

TEST(RuleSurvey, OtherPeoplesTextIsPrintedAsText) {
  RuleSurvey survey;
  survey.add({"t", "c\n\x1b", To::kNflogGroup, 100, "a\"\nFAIL  b"});
  EXPECT_EQ(judged(survey, groups({100})),
            "ok    rules  1 rule logs to group 100 (in chain c??, prefix \"a'?FAIL  b\"), which is "
            "read.\n");
}

TEST(RuleSurvey, IsBounded) {
  RuleSurvey survey;
  for (unsigned group = 10; group < 2'010; ++group)
    survey.add({"t", "c", To::kNflogGroup, static_cast<std::uint16_t>(group), ""});
  EXPECT_EQ(survey.judge(groups({}), nobody).all().size(), 256u);
}

}  // namespace
}  // namespace kube_nflog
