// SPDX-License-Identifier: Apache-2.0
#include "core/metrics.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace kube_nflog {
namespace {

// The page without what changes from run to run: the version, and this process' own numbers.
std::string shape(const std::string& page) {
  std::istringstream in(page);
  std::string out;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("kube_nflog_build_info{")) line = "kube_nflog_build_info{version=\"…\"} 1";
    if (line.starts_with("process_")) line = line.substr(0, line.find(' ')) + " …";
    out += line + "\n";
  }
  return out;
}

std::string golden(const std::string& name) {
  std::ifstream file(FIXTURES "../golden/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Others build dashboards and alerts on these names: a change here is theirs to follow. To accept
// one, write the page that the failure shows into the file.
TEST(Metrics, ThePageIsTheGoldenOneWithEverySeriesAtZeroFromTheFirstScrape) {
  const std::uint16_t groups[] = {86, 100};
  const Metrics metrics(groups);
  EXPECT_EQ(shape(metrics.render()), golden("metrics.txt"));
}

TEST(Metrics, WorkloadsAreSeriesOnlyWhereTheyAreAskedFor) {
  Metrics metrics({}, 1);
  EXPECT_EQ(Metrics().render().find("pod_drops"), std::string::npos);
  metrics.workloads.add("shop", "cart", "receiving", 3);
  metrics.workloads.add("shop", "web", "receiving", 2);
  const std::string page = metrics.render();
  for (const char* line : {"\nkube_nflog_pod_drops_total{namespace=\"shop\",workload=\"cart\","
                           "direction=\"receiving\"} "
                           "3\n",
                           "\nkube_nflog_series_dropped_total 2\n"})
    EXPECT_NE(page.find(line), std::string::npos) << line << page;
}

TEST(Metrics, AHistogramsBucketsHoldWhatTookNoLonger) {
  Metrics m;
  using std::chrono::milliseconds;
  for (const milliseconds took : {milliseconds(5), milliseconds(6), milliseconds(3'600'000)})
    m.event_write_seconds.add(took);
  const std::string page = m.render();
  for (const char* line :
       {"_bucket{le=\"0.005\"} 1\n", "_bucket{le=\"0.025\"} 2\n", "_bucket{le=\"10\"} 2\n",
        "_bucket{le=\"+Inf\"} 3\n", "_count 3\n", "_sum 3600.011"})
    EXPECT_NE(page.find(std::string("\nkube_nflog_event_write_seconds") + line), std::string::npos)
        << line << page;
}

TEST(Metrics, OpenMetricsNamesFamiliesWithoutTheirSuffixAndShowsItsEnd) {
  Metrics metrics;
  metrics.seen.add(7);
  const std::string page = metrics.render(Metrics::Format::kOpenMetrics);
  EXPECT_NE(page.find("# HELP kube_nflog_seen Drop records read, decodable or not.\n"
                      "# TYPE kube_nflog_seen counter\n"
                      "kube_nflog_seen_total 7\n"),
            std::string::npos)
      << page;
  EXPECT_NE(page.find("# TYPE process_cpu_seconds counter\nprocess_cpu_seconds_total "),
            std::string::npos);
  EXPECT_NE(page.find("# TYPE kube_nflog_pods_cached gauge\n"), std::string::npos);
  EXPECT_TRUE(page.ends_with("\n# EOF\n"));
  EXPECT_EQ(metrics.render().find("# EOF"), std::string::npos);
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
