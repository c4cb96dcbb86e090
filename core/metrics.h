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
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

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

// One label's values are an enum that ends in kCount; the names stand beside it, in order.
template <class E>
inline constexpr std::size_t kLabelCount = static_cast<std::size_t>(E::kCount);

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

// Why a drop that was seen makes no Event.
enum class Why : std::uint8_t {
  kMidStream,  // TCP without SYN: a broken connection, not a policy
  kDhcp,
  kMdns,
  kMulticast,
  kBroadcast,
  kIgnored,        // --ignore names one of its addresses
  kHint,           // a rule that logs before the verdict is known (k3s "DROP by policy …")
  kAllowed,        // a rule that logs what it lets pass (Calico's flow logs)
  kUnknownPrefix,  // a log line whose prefix does not say "dropped"
  kNoPod,          // no Pod at either end
  kEventBudget,    // could not be told within the budgets before it grew too old
  kKept,           // at exit: left in --state-dir for the next process to tell
  kCount
};
inline constexpr std::array<std::string_view, kLabelCount<Why>> kWhyNames{
    "mid_stream", "dhcp",    "mdns",           "multicast", "broadcast",    "ignored",
    "hint",       "allowed", "unknown_prefix", "no_pod",    "event_budget", "kept"};

// Where a drop was lost that should have made an Event.
enum class Where : std::uint8_t {
  kNetlinkOverrun,  // the kernel dropped the record: the socket buffer was full. Never seen.
  kKmsgOverrun,     // records, of drops or not, that /dev/kmsg had overwritten. Never seen.
  kUndecodable,     // not a packet we understand, or a damaged log line
  kFoldFull,        // no room left in the fold, not even per destination
  kQueueFull,       // at exit: the deliver thread did not take it in time
  kRefused,         // the API server refuses for good: 403, 404 on the namespace, 422 …
  kExpired,         // older than --expire; or the API server was away for longer than we hold on
  kUnflushed,       // at exit: not written within the flush time
  kCount
};
inline constexpr std::array<std::string_view, kLabelCount<Where>> kWhereNames{
    "netlink_overrun", "kmsg_overrun", "undecodable", "fold_full",
    "queue_full",      "refused",      "expired",     "unflushed"};

enum class ApiVerb : std::uint8_t { kList, kWatch, kGet, kCreate, kPatch, kCount };
inline constexpr std::array<std::string_view, kLabelCount<ApiVerb>> kApiVerbNames{
    "list", "watch", "get", "create", "patch"};

// The HTTP answers worth telling apart; kError = no answer (refused, reset, time-out, TLS).
enum class ApiCode : std::uint8_t {
  k2xx,
  k401,
  k403,
  k404,
  k409,
  k410,
  k429,
  k4xx,
  k5xx,
  kOther,
  kError,
  kCount
};
inline constexpr std::array<std::string_view, kLabelCount<ApiCode>> kApiCodeNames{
    "2xx", "401", "403", "404", "409", "410", "429", "4xx", "5xx", "other", "error"};
ApiCode api_code(long http_status);  // 0 = no answer

// kEof: in good order, but before the time that we asked for: the server is going away.
enum class WatchEnd : std::uint8_t { kTimeout, kEof, kExpired, kError, kStalled, kCount };
inline constexpr std::array<std::string_view, kLabelCount<WatchEnd>> kWatchEndNames{
    "timeout", "eof", "expired", "error", "stalled"};

// The files that prove who we are, and who the API server is.
enum class Credential : std::uint8_t { kToken, kCa, kClientCert, kClientKey, kCount };
inline constexpr std::array<std::string_view, kLabelCount<Credential>> kCredentialNames{
    "token", "ca", "client_certificate", "client_key"};

// kPaused: nobody is asked for a while, since the answer would be a refusal, or none.
enum class LookupResult : std::uint8_t {
  kFound,
  kNotFound,
  kError,
  kOverBudget,
  kCached,
  kPaused,
  kCount
};
inline constexpr std::array<std::string_view, kLabelCount<LookupResult>> kLookupResultNames{
    "found", "not_found", "error", "over_budget", "cached", "paused"};

enum class SourceKind : std::uint8_t { kNflog, kFile, kKmsg, kJournal, kCount };
inline constexpr std::array<std::string_view, kLabelCount<SourceKind>> kSourceKindNames{
    "nflog", "file", "kmsg", "journal"};

// What became of hint records: joined to the verdict on their packet; no verdict came (the packet
// was allowed, mostly); or given up for others, too many being held.
enum class HintResult : std::uint8_t { kJoined, kUnmatched, kOverflow, kCount };
inline constexpr std::array<std::string_view, kLabelCount<HintResult>> kHintResultNames{
    "joined", "unmatched", "overflow"};

// What of k8s/peer_fold was full: the place for one more group of peers, so that the longest quiet
// was forgotten; the place for one more address, so that a summary's peer was not told apart.
enum class PeerFoldFull : std::uint8_t { kGroups, kAddresses, kCount };
inline constexpr std::array<std::string_view, kLabelCount<PeerFoldFull>> kPeerFoldFullNames{
    "groups", "addresses"};

// What was told to Pods, by what tells operators most: enough for a dashboard, and bounded.
enum class DropWay : std::uint8_t { kReceiving, kSending, kCount };
inline constexpr std::array<std::string_view, kLabelCount<DropWay>> kDropWayNames{"receiving",
                                                                                  "sending"};
enum class DropProtocol : std::uint8_t { kTcp, kUdp, kIcmp, kSctp, kOther, kCount };
inline constexpr std::array<std::string_view, kLabelCount<DropProtocol>> kDropProtocolNames{
    "tcp", "udp", "icmp", "sctp", "other"};
enum class DropCause : std::uint8_t {
  kPolicy,  // a NetworkPolicy or what a CNI makes of policies
  kRule,    // a rule of somebody's own, by its prefix
  kNone,    // the rule gives none
  kCount
};
inline constexpr std::array<std::string_view, kLabelCount<DropCause>> kDropCauseNames{
    "policy", "rule", "none"};

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
  Grid<Counter, ApiVerb, ApiCode> events_written;            // verbs kCreate and kPatch only
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
