// SPDX-License-Identifier: Apache-2.0
// Metrics: every counter of the process, declared once, here. Written by any thread (relaxed
// atomics), read by the probe server and by tests. All series exist, at zero, from the first
// scrape.
//
// The ledger: every record that a source decodes or fails to decode is seen, and ends in exactly
// one of reported, suppressed{why} or lost{where}; until then it is pending (in the fold, the queue
// or the book). lost{netlink_overrun} and lost{kmsg_overrun} alone were never seen: the kernel
// dropped them before us.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "core/metric_labels.h"
#include "core/workload_series.h"

namespace kube_nflog {

class Counter {
 public:
  void add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Gauge {
 public:
  void set(std::int64_t v) { value_.store(v, std::memory_order_relaxed); }
  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

// How long something took; le of bucket i is kBounds[i] seconds, of the last one infinity. One
// writer; a scrape meanwhile may see the sum without its last count.
class Histogram {
 public:
  static constexpr std::array kBounds{0.005, 0.025, 0.1, 0.5, 2.5, 10.0};

  void add(std::chrono::nanoseconds took) {
    std::size_t i = 0;
    while (i < kBounds.size() && std::chrono::duration<double>(took).count() > kBounds[i]) ++i;
    nanoseconds_.add(static_cast<std::uint64_t>(took.count()));
    buckets_[i].add();
  }
  std::span<const Counter> buckets() const { return buckets_; }  // each for itself, not summed up
  double seconds() const { return static_cast<double>(nanoseconds_.value()) / 1e9; }

 private:
  std::array<Counter, kBounds.size() + 1> buckets_;
  Counter nanoseconds_;
};

template <class Metric, class E>
class Labelled {
 public:
  Metric& operator[](E label) { return series_[static_cast<std::size_t>(label)]; }
  const Metric& operator[](E label) const { return series_[static_cast<std::size_t>(label)]; }
  std::span<const Metric> all() const { return series_; }

 private:
  std::array<Metric, kLabelCount<E>> series_;
};

template <class Metric, class Row, class Column>
class Grid {  // two labels
 public:
  Metric& at(Row row, Column column) { return rows_[static_cast<std::size_t>(row)][column]; }
  const Metric& at(Row row, Column column) const {
    return rows_[static_cast<std::size_t>(row)][column];
  }

 private:
  std::array<Labelled<Metric, Column>, kLabelCount<Row>> rows_;
};

struct Metrics {
  // `workload_series`: as many for --metrics-by=workload; 0: none.
  explicit Metrics(std::span<const std::uint16_t> nflog_groups = {},
                   std::size_t workload_series = 0);

  Counter seen;
  Counter reported;
  Labelled<Counter, Why> suppressed;
  Labelled<Counter, Where> lost;
  Labelled<Grid<Counter, DropProtocol, DropCause>, DropWay> drops;
  WorkloadSeries workloads;
  Labelled<Counter, HintResult> hints;
  // By group, fixed keys: those of the command line.
  std::map<std::uint16_t, Counter> nflog_messages;
  std::map<std::uint16_t, Counter> nflog_lost;       // together: lost{netlink_overrun}
  std::map<std::uint16_t, Gauge> nflog_group_bound;  // 0: held by another process, and waited for
  Counter nflog_group_rebinds;                       // bound after others had held them
  Counter causes_left_out;      // drops told without their rule: too many distinct ones
  Counter services_left_out;    // drops told without the Service address: too many distinct ones
  Counter interface_lists;      // once, and again when changes of names were lost
  Counter interfaces_left_out;  // drops told without an interface's name: too many distinct ones
  Gauge dedupe_keys;
  Gauge event_keys;
  Gauge event_budget_percent;  // of the node's budget, left by what the API server has refused
  Labelled<Counter, PeerFoldFull> peer_fold_full;
  Gauge pods_cached;
  Gauge pod_cache_synced;     // 1: the Pods were listed once
  Gauge last_watch_activity;  // Unix seconds: the last byte of a list or watch of Pods
  Labelled<Counter, Credential> credential_reload_failures;  // the old ones stayed in use
  Gauge nflog_rcvbuf_bytes;                                  // what the kernel granted
  Counter nflog_datagrams_dropped;                           // for want of room in that
  Grid<Counter, ApiVerb, ApiCode> events_written;            // verbs kCreate and kPatch only
  Histogram event_write_seconds;                             // from a write to its answer, if any
  Grid<Counter, ApiVerb, ApiCode> api_requests;
  Labelled<Counter, WatchEnd> watch_restarts;
  Counter lists;
  Labelled<Counter, LookupResult> lookups;          // of Pods
  Labelled<Counter, LookupResult> service_lookups;  // by the API server
  Labelled<Counter, LookupResult> dns_lookups;
  Labelled<Gauge, SourceKind> source_active;
  Counter log_truncations;    // of the log file, after each of which lines may be lost unseen
  Counter log_lines_dropped;  // stderr was not being read

  // seen - reported - suppressed - lost of those seen: what is still on its way. 0 after a clean
  // exit.
  std::int64_t pending() const;
  // For people: "seen 9, reported 5, suppressed 3 (mid_stream 2, no_pod 1), lost 1 (unflushed 1)".
  std::string ledger() const;
  bool reads_a_source() const {
    for (const Gauge& active : source_active.all())
      if (active.value() == 1) return true;
    return false;
  }
  // For Prometheus: the text exposition format 0.0.4, or OpenMetrics 1.0.
  enum class Format { kText, kOpenMetrics };
  std::string render(Format format = Format::kText) const;
};

}  // namespace kube_nflog
