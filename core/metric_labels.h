// SPDX-License-Identifier: Apache-2.0
// The labels of the metrics, each an enum with its names: why, where, by which answer. Of
// core/metrics.h, whose counters they tell apart.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace kube_nflog {

// One label's values are an enum that ends in kCount; the names stand beside it, in order.
template <class E>
inline constexpr std::size_t kLabelCount = static_cast<std::size_t>(E::kCount);

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
  kFoldFull,        // no room left in the fold, not even per source
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

}  // namespace kube_nflog
