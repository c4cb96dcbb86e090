// SPDX-License-Identifier: Apache-2.0
#include "nflog/calico_prefix.h"

#include <gtest/gtest.h>

#include <string>

namespace kube_nflog {
namespace {

std::string denied(std::string_view prefix) {
  const std::optional<Reading> reading = read_calico_prefix(prefix);
  if (!reading) return "(not Calico's)";
  if (reading->ruling == Ruling::kAllow) return "(passed)";
  EXPECT_EQ(reading->ruling, Ruling::kDrop);
  return reading->clause.text();
}

// As Felix shortens 63 and more; the hash itself tells us nothing.
std::string hashed(const std::string& prefix) {
  EXPECT_GE(prefix.size(), 63u) << prefix;
  return prefix.substr(0, 10) + "_" + "x-9_Z" + std::string(36, 'h') + "_" +
         prefix.substr(prefix.size() - 10);
}

TEST(CalicoPrefix, RulesSince332) {
  EXPECT_EQ(denied("DPI0|np/shop/default-deny"),
            "ingress denied by NetworkPolicy shop/default-deny");
  EXPECT_EQ(denied("DPE12|gnp/no-egress"), "egress denied by GlobalNetworkPolicy no-egress");
  EXPECT_EQ(denied("DPI3|np/shop/tier-1.deny"), "ingress denied by NetworkPolicy shop/tier-1.deny");
  EXPECT_EQ(denied("DPI0|knp/shop/knp.default.deny"), "ingress denied by NetworkPolicy shop/deny");
  EXPECT_EQ(denied("DPI0|kcnp/kcnp.kube-admin.no-ssh"),
            "ingress denied by ClusterNetworkPolicy no-ssh");
  EXPECT_EQ(denied("DPI0|gnp/kcnp"), "ingress denied by GlobalNetworkPolicy kcnp");
}

TEST(CalicoPrefix, RulesOf330) {
  EXPECT_EQ(denied("DPI0|shop/tier-1.policy-2"),
            "ingress denied by NetworkPolicy shop/tier-1.policy-2");
  EXPECT_EQ(denied("DPE0|default.no-egress"),
            "egress denied by GlobalNetworkPolicy default.no-egress");
  EXPECT_EQ(denied("DPI0|shop/knp.default.deny"), "ingress denied by NetworkPolicy shop/deny");
  EXPECT_EQ(denied("DPI0|kanp.adminnetworkpolicy.no-ssh"),
            "ingress denied by AdminNetworkPolicy no-ssh");
  EXPECT_EQ(denied("DPE0|kbanp.baselineadminnetworkpolicy.default"),
            "egress denied by BaselineAdminNetworkPolicy default");
  EXPECT_EQ(denied("DPI0|np/default.x"), "ingress denied by NetworkPolicy np/default.x");
}

TEST(CalicoPrefix, EndOfTierAndProfiles) {
  EXPECT_EQ(denied("DPI|default"), "ingress denied in tier default: no policy allows it");
  EXPECT_EQ(denied("DPE|tier-1"), "egress denied in tier tier-1: no policy allows it");
  EXPECT_EQ(denied("DRI"), "ingress denied: no profile allows it");
  EXPECT_EQ(denied("DRE"), "egress denied: no profile allows it");
  EXPECT_EQ(denied("DRE0|ksa.shop.web"), "egress denied by profile ksa.shop.web");
}

TEST(CalicoPrefix, WhatPassesAndWhatIsStagedIsNoDrop) {
  for (const char* prefix :
       {"API0|np/shop/allow-80", "APE1|gnp/dns", "ARI0|kns.shop", "PPI0|gnp/tier-1.pass",
        "PPI|default", "PPE|tier-1", "PRE0|kns.shop", "DPI0|snp/shop/x", "DPI|snp/shop/x",
        "DPE0|sgnp/x", "DPI0|sknp/shop/x", "DPI0|shop/staged:tier-1.x", "DPI|staged:tier-1.x",
        "DPI|shop/staged:tier-1.x"}) {
    EXPECT_EQ(denied(prefix), "(passed)") << prefix;
  }
}

TEST(CalicoPrefix, OfAHashWhatIsKnownIsKept) {
  const std::string ns = "payments-production-eu-west-1/",
                    name = "allow-checkout-to-the-ledger-api";
  EXPECT_EQ(denied(hashed("DPI0|np/" + ns + name)),
            "ingress denied by NetworkPolicy pa…ledger-api");
  EXPECT_EQ(denied(hashed("DPE0|gnp/" + name + name)),
            "egress denied by GlobalNetworkPolicy a…ledger-api");
  EXPECT_EQ(denied(hashed("DPE0|kcnp/" + name + name)),
            "egress denied by ClusterNetworkPolicy …ledger-api");
  EXPECT_EQ(denied(hashed("DPE0|a/" + name + name)),
            "egress denied by NetworkPolicy a/all…ledger-api");
  EXPECT_EQ(denied(hashed("DPE0|" + ns + name)), "egress denied by policy payme…ledger-api");
  EXPECT_EQ(denied(hashed("DPI|" + name + name)),
            "ingress denied in tier allow-…ledger-api: no policy allows it");
  EXPECT_EQ(denied(hashed("DRI0|ksa." + ns.substr(0, 29) + "." + name)),
            "ingress denied by profile ksa.p…ledger-api");
  EXPECT_EQ(denied(hashed("API0|np/" + ns + name)), "(passed)");
  EXPECT_EQ(denied(hashed("DPI0|snp/" + ns + name)), "(passed)");
  // Where the hash begins before the kind ends, or before what 3.30 says of a staged one does.
  EXPECT_EQ(denied(hashed("DPI12|sgnp/" + name + name)), "(passed)");
  EXPECT_EQ(denied(hashed("DPI123|snp/" + ns + name)), "(passed)");
  EXPECT_EQ(denied(hashed("DPE0|staged:" + name + name)), "(passed)");
  EXPECT_EQ(denied(hashed("DPE0|a/staged:" + name + name)), "(passed)");
  EXPECT_EQ(denied(hashed("DPE|staged:" + name + name)), "(passed)");
  EXPECT_EQ(denied(hashed("DPI0|np/st" + ns.substr(2) + name)),
            "ingress denied by NetworkPolicy st…ledger-api");
  EXPECT_EQ(denied(hashed("DPI123456|gnp/" + name + name)), "ingress denied by policy …ledger-api");
}

TEST(CalicoPrefix, OthersPrefixesAreNot) {
  for (const char* prefix : {"",          "D",           "DP",       "DPI",
                             "DPX0|a",    "XPI0|a",      "DPI0|",    "DPI0",
                             "DPI|",      "API|default", "ARI",      "DRI|kns.shop",
                             "PRI",       "DPI0a|b",     "DPI0|a b", "DPI0|a\x1b[31m",
                             "DPI0|a\"b", "DPI0|/a",     "DPI0|a/",  "DPI0|a//b",
                             "DROP",      "DRIVE",       "DPI -1|a", "dpi0|a",
                             "DPI0|a_b|c"}) {
    EXPECT_EQ(denied(prefix), "(not Calico's)") << prefix;
  }
}

}  // namespace
}  // namespace kube_nflog
