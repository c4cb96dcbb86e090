// SPDX-License-Identifier: Apache-2.0
#include "core/metrics.h"

#include <gtest/gtest.h>

namespace kube_nflog {
namespace {

TEST(Metrics, EverySeriesIsThereAtZeroFromTheFirstScrape) {
  const std::uint16_t groups[] = {86, 100};
  const Metrics metrics(groups);
  const std::string page = metrics.render();
  for (const char* line : {"kube_nflog_build_info{version=\"",
                           "kube_nflog_seen_total 0\n",
                           "kube_nflog_reported_total 0\n",
                           "kube_nflog_suppressed_total{why=\"mid_stream\"} 0\n",
                           "kube_nflog_suppressed_total{why=\"allowed\"} 0\n",
                           "kube_nflog_hints_total{result=\"joined\"} 0\n",
                           "kube_nflog_hints_total{result=\"unmatched\"} 0\n",
                           "kube_nflog_hints_total{result=\"overflow\"} 0\n",
                           "kube_nflog_lost_total{where=\"netlink_overrun\"} 0\n",
                           "kube_nflog_lost_total{where=\"kmsg_overrun\"} 0\n",
                           "kube_nflog_nflog_messages_total{group=\"86\"} 0\n",
                           "kube_nflog_nflog_messages_total{group=\"100\"} 0\n",
                           "kube_nflog_events_written_total{verb=\"create\",code=\"2xx\"} 0\n",
                           "kube_nflog_events_written_total{verb=\"patch\",code=\"error\"} 0\n",
                           "kube_nflog_api_requests_total{verb=\"watch\",code=\"410\"} 0\n",
                           "kube_nflog_watch_restarts_total{why=\"stalled\"} 0\n",
                           "kube_nflog_lookups_total{result=\"found\"} 0\n",
                           "kube_nflog_lists_total 0\n",
                           "kube_nflog_pods_cached 0\n",
                           "kube_nflog_pod_cache_synced 0\n",
                           "kube_nflog_last_watch_activity_timestamp_seconds 0\n",
                           "kube_nflog_credential_reload_failures_total{what=\"token\"} 0\n",
                           "kube_nflog_event_budget_percent 0\n",
                           "kube_nflog_watch_restarts_total{why=\"eof\"} 0\n",
                           "kube_nflog_dedupe_keys 0\n",
                           "kube_nflog_peer_fold_full_total{what=\"groups\"} 0\n",
                           "kube_nflog_peer_fold_full_total{what=\"addresses\"} 0\n",
                           "kube_nflog_interface_lists_total 0\n",
                           "kube_nflog_interfaces_left_out_total 0\n",
                           "kube_nflog_source_active{source=\"nflog\"} 0\n",
                           "kube_nflog_source_active{source=\"kmsg\"} 0\n",
                           "kube_nflog_source_active{source=\"journal\"} 0\n"})
    EXPECT_NE(page.find(line), std::string::npos) << line << "\n" << page;
}

TEST(Metrics, PendingIsSeenLessWhatIsSettled) {
  Metrics m;
  m.seen.add(10);
  m.reported.add(3);
  m.suppressed[Why::kNoPod].add(2);
  m.lost[Where::kRefused].add(1);
  m.lost[Where::kNetlinkOverrun].add(1000);  // never seen: no part of the balance
  m.lost[Where::kKmsgOverrun].add(100);      // nor this
  EXPECT_EQ(m.pending(), 4);
}

TEST(Metrics, LedgerNamesWhatIsNotZero) {
  Metrics m;
  EXPECT_EQ(m.ledger(), "seen 0, reported 0, suppressed 0, lost 0");
  m.seen.add(10);
  m.reported.add(5);
  m.suppressed[Why::kMidStream].add(2);
  m.suppressed[Why::kNoPod].add(1);
  m.lost[Where::kUnflushed].add(2);
  EXPECT_EQ(m.ledger(),
            "seen 10, reported 5, suppressed 3 (mid_stream 2, no_pod 1), lost 2 (unflushed 2)");
}

TEST(Metrics, CodesAreSortedIntoTheirClasses) {
  EXPECT_EQ(api_code(0), ApiCode::kError);
  EXPECT_EQ(api_code(201), ApiCode::k2xx);
  EXPECT_EQ(api_code(409), ApiCode::k409);
  EXPECT_EQ(api_code(422), ApiCode::k4xx);
  EXPECT_EQ(api_code(503), ApiCode::k5xx);
  EXPECT_EQ(api_code(302), ApiCode::kOther);
  EXPECT_EQ(api_code(99999), ApiCode::kOther);
}

}  // namespace
}  // namespace kube_nflog
