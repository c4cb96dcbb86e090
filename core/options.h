// SPDX-License-Identifier: Apache-2.0
// The command line: the only place that knows flags, their environment twins and their checks.
// Parsed once by main(), read-only afterwards.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/log.h"
#include "core/noise.h"

namespace kube_nflog {

enum class SourceChoice { kAuto, kNflog, kFile, kKmsg, kJournal };
enum class SinkChoice { kKubernetes, kStdout };
enum class StdoutFormat { kJson, kText };
enum class PodScope { kNode, kCluster };
// What an Event tells of the other end: all; its workload, but no Pod; of what is not of the same
// namespace, the address alone.
enum class PeerDetail { kFull, kWorkload, kIp };
enum class MetricsBy { kNone, kWorkload };

struct Options {
  SourceChoice source = SourceChoice::kAuto;
  std::vector<std::uint16_t> nflog_groups{100};
  bool force_group = false;
  bool wait_for_group = false;
  std::uint32_t nflog_rcvbuf_bytes = 32U << 20;
  std::string log_file;
  std::chrono::milliseconds expire{600'000};  // older lines of a log are not told
  // Both empty: prefixes that say drop, deny, block or reject.
  std::vector<std::string> log_prefixes;
  std::string log_word;     // of a prefix, or all of it
  std::string journal_dir;  // empty: this machine's own journal
  std::string state_dir;    // of core/state_file; empty: nothing is kept

  SinkChoice sink = SinkChoice::kKubernetes;
  StdoutFormat format = StdoutFormat::kJson;
  std::string pods_file;  // a PodList; empty: ask the API

  std::string api_server;  // both empty: in-cluster
  std::string kubeconfig;
  std::string node_name;
  PodScope pod_scope = PodScope::kNode;
  std::string peer_name = "workload";  // workload | name | namespace | label:KEY
  PeerDetail peer_detail = PeerDetail::kFull;
  bool service_lookup = true;
  bool reverse_dns = true;
  std::string dns_server;  // ADDRESS[:PORT]; empty: those of /etc/resolv.conf

  std::chrono::milliseconds repeat_interval{120'000};      // the fold's window
  std::chrono::milliseconds update_interval{60'000};       // first PATCH of a count
  std::chrono::milliseconds update_interval_max{600'000};  // doubling up to this
  // Event writes at once, and the time that earns one more: of this node, and about one Pod of it.
  std::uint32_t node_event_burst = 20;
  std::chrono::milliseconds node_event_interval{30'000};
  std::uint32_t pod_event_burst = 10;
  std::chrono::milliseconds pod_event_interval{300'000};
  // The same of questions to the API server, for Pods and for Services each; see
  // k8s/lookup_cache.h.
  std::uint32_t lookup_burst = 5;
  std::chrono::milliseconds lookup_interval{30'000};
  std::chrono::milliseconds refused_interval{180'000};  // see EventBookOptions::refusal
  NoiseOptions noise;
  std::string event_reason = "PacketDrop";
  std::string event_component = "kube-nflog";

  std::string listen;                       // ADDR:PORT of /metrics /livez /readyz; empty: off
  MetricsBy metrics_by = MetricsBy::kNone;  // see core/workload_series.h
  std::string log_level = "info";
  log::Format log_format = log::Format::kText;

  std::vector<std::string> remarks;  // for the operator, once the log is started
};

// What main() is to do: run, check, or print `text` to stdout and exit (--help, --version,
// --print-config).
struct CommandLine {
  Options options;
  std::string print;   // not empty: print this and exit 0
  bool check = false;  // --check: test what a start with these options needs, and exit
};

// `environment` is environ: NULL-terminated NAME=value. A flag wins over its KUBE_NFLOG_ twin,
// which wins over the name that kube-iptables-tailer used.
Result<CommandLine> parse_command_line(int argc, const char* const* argv,
                                       const char* const* environment);

}  // namespace kube_nflog
