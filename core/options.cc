// SPDX-License-Identifier: Apache-2.0
#include "core/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <optional>
#include <sstream>
#include <string_view>

#include "core/option_row.h"
#include "core/option_value.h"

#ifndef KUBE_NFLOG_VERSION
#error "the build defines KUBE_NFLOG_VERSION"
#endif

namespace kube_nflog {
namespace {

using option_row::choice;
using option_row::Choices;
using option_row::into;
using option_row::Row;
using option_row::shown;
using option_value::Mapped;
using option_value::Parsed;
using std::chrono::milliseconds;

constexpr std::uint16_t kPeerPort = 9090;  // where it served its metrics by default

// The peer's POD_IDENTIFIER values; any other one meant "namespace" there.
Mapped peer_identifier(const std::string& v) {
  if (v == "name" || v == "namespace") return {v};
  if (v == "name_with_namespace") return {"name"};
  if (v == "label") return {"label:"};  // without POD_IDENTIFIER_LABEL: a mistake
  return {"namespace"};
}

// Its LOG_LEVEL, zap's: in small or capital letters; what it did not know was info.
Mapped peer_level(const std::string& v) {
  std::string level = v;
  std::transform(level.begin(), level.end(), level.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (level == "debug" || level == "warn" || level == "error") return {level};
  return {level == "dpanic" || level == "panic" || level == "fatal" ? "error" : "info"};
}

// ---- rows

const Choices<SourceChoice> kSources{{"auto", SourceChoice::kAuto},
                                     {"nflog", SourceChoice::kNflog},
                                     {"file", SourceChoice::kFile},
                                     {"kmsg", SourceChoice::kKmsg},
                                     {"journal", SourceChoice::kJournal}};
const Choices<SinkChoice> kSinks{{"kubernetes", SinkChoice::kKubernetes},
                                 {"stdout", SinkChoice::kStdout}};
const Choices<StdoutFormat> kFormats{{"json", StdoutFormat::kJson}, {"text", StdoutFormat::kText}};
const Choices<PeerDetail> kDetails{
    {"full", PeerDetail::kFull}, {"workload", PeerDetail::kWorkload}, {"ip", PeerDetail::kIp}};
const Choices<MetricsBy> kMetricsBy{{"none", MetricsBy::kNone}, {"workload", MetricsBy::kWorkload}};
const Choices<log::Format> kLogFormats{{"text", log::Format::kText}, {"json", log::Format::kJson}};
const Choices<PodScope> kScopes{{"node", PodScope::kNode}, {"cluster", PodScope::kCluster}};
// The flag alone says yes.
const Choices<bool> kSwitch{{"false", false}, {"true", true}, {"", true}};
const Choices<std::string> kLevels{
    {"debug", "debug"}, {"info", "info"}, {"warn", "warn"}, {"error", "error"}};

Row as_peer(Row row, std::string env, Mapped (*value)(const std::string&)) {
  row.peer_env = std::move(env);
  row.peer_value = value;
  return row;
}

// A time, of which kube-iptables-tailer was told whole minutes; the default is what `target` is.
Row peer_minutes(std::string flag, std::string help, milliseconds& target, milliseconds least,
                 std::string env) {
  return {std::move(flag),
          "TIME",
          std::move(help),
          into(target, least),
          shown(target),
          std::move(env),
          [least, preset = target](const std::string& v) {
            return option_value::map_minutes(v, least, preset);
          }};
}

std::vector<Row> source_rows(Options& o) {
  return {
      choice("source",
             "where drops are read; auto: nflog, else the log file (the journal, with "
             "--journal-dir), else kmsg",
             o.source, kSources),
      {"nflog-group", "N[,N...]", "the NFLOG groups that your rules log to",
       [&o](const std::string& v) { return option_value::take_groups(o.nflog_groups, v); },
       [&o] { return option_value::print_groups(o.nflog_groups); }},
      choice("force-group", "bind groups 1 to 3, too, which are Calico's", o.force_group, kSwitch),
      choice("wait-for-group", "start although every group is held, and bind them once free",
             o.wait_for_group, kSwitch),
      {"rcvbuf-bytes", "SIZE", "socket buffer for NFLOG: a limit, used only while packets wait",
       [&o](const std::string& v) { return option_value::take_rcvbuf(o.nflog_rcvbuf_bytes, v); },
       [&o] { return option_value::print_bytes(o.nflog_rcvbuf_bytes); }},
      {"log-file", "PATH", "the iptables log that --source=file (or auto) follows",
       into(o.log_file), shown(o.log_file), "IPTABLES_LOG_PATH"},
      {"log-prefix", "TEXT[,TEXT...]",
       "log prefixes that mean dropped; default: those that say drop, deny, block or reject",
       [&o](const std::string& v) {
         o.log_prefixes = option_value::split(v);
         return Parsed();
       },
       [&o] { return option_value::join(o.log_prefixes); }},
      {"log-word", "TEXT", "log prefixes that are this, or have it as a word, mean dropped, too",
       into(o.log_word), shown(o.log_word), "IPTABLES_LOG_PREFIX"},
      {"journal-dir", "PATH", "journal files for --source=journal; default: this machine's own",
       into(o.journal_dir), shown(o.journal_dir), "JOURNAL_DIRECTORY"},
      {"state-dir", "DIR", "where to remember how far a log was read; default: start at its end",
       into(o.state_dir), shown(o.state_dir)},
      peer_minutes("expire", "lines of a log that are older than this are counted, not told",
                   o.expire, milliseconds(1'000), "PACKET_DROP_EXPIRATION_MINUTES"),
  };
}

std::vector<Row> kubernetes_rows(Options& o) {
  return {
      choice("sink", "where Events go; stdout prints what would be posted", o.sink, kSinks),
      choice("format", "of --sink=stdout: one Event JSON a line, or a table for people", o.format,
             kFormats),
      {"pods", "FILE", "a PodList (kubectl get pods -A -o json) to use instead of the API",
       into(o.pods_file), shown(o.pods_file)},
      {"api-server", "URL", "the API server; default: the one of the cluster we run in",
       [&o](const std::string& v) { return option_value::take_api_server(o.api_server, v); },
       shown(o.api_server), "KUBE_API_SERVER"},
      {"kubeconfig", "FILE", "how to reach and authenticate to the API server, outside a cluster",
       into(o.kubeconfig), shown(o.kubeconfig)},
      {"node-name", "NAME",
       "this node, as the API knows it; default: that of the Pod we are, else the host's name",
       into(o.node_name), shown(o.node_name)},
      choice("pod-scope", "the Pods to watch: this node's, or all (small clusters)", o.pod_scope,
             kScopes),
      {"peer-name", "workload|name|namespace|label:KEY", "how Events call the Pod at the other end",
       [&o](const std::string& v) { return option_value::take_peer_name(o.peer_name, v); },
       shown(o.peer_name), "POD_IDENTIFIER", peer_identifier},
      choice("peer-detail",
             "what Events tell of it: all; no Pod; no name of anything in another namespace",
             o.peer_detail, kDetails),
      choice("service-lookup", "ask the API server for the Service with an address",
             o.service_lookup, kSwitch),
      choice("reverse-dns", "ask DNS for the names of addresses that are no Pod's", o.reverse_dns,
             kSwitch),
      {"dns-server", "ADDR[:PORT]", "the DNS server to ask; default: those of /etc/resolv.conf",
       into(o.dns_server), shown(o.dns_server)},
      {"event-reason", "TEXT", "the reason of the Events", into(o.event_reason),
       shown(o.event_reason), "KUBE_EVENT_DISPLAY_REASON"},
      {"event-component", "TEXT", "the source component of the Events", into(o.event_component),
       shown(o.event_component), "KUBE_EVENT_SOURCE_COMPONENT_NAME"},
  };
}

std::vector<Row> schedule_rows(Options& o) {
  return {
      peer_minutes("repeat-interval", "repeats within this time are one drop that counts",
                   o.repeat_interval, milliseconds(80), "REPEATED_EVENTS_INTERVAL_MINUTES"),
      {"update-interval", "TIME", "an Event's count is updated no sooner than this, then doubling",
       into(o.update_interval, milliseconds(10)), shown(o.update_interval)},
      {"update-interval-max", "TIME", "...up to this; keep it below half the Events' life",
       into(o.update_interval_max, milliseconds(10)), shown(o.update_interval_max)},
      {"report-noise", "KIND[,KIND...]",
       "also tell of: mid-stream (TCP without SYN), dhcp, mdns, multicast, broadcast",
       [&o](const std::string& v) { return option_value::take_noise(o.noise, v); },
       [&o] { return option_value::print_noise(o.noise); }},
      {"ignore", "CIDR[,CIDR...]", "never tell of drops from or to these addresses",
       [&o](const std::string& v) { return option_value::take_ignore(o.noise.ignore, v); },
       [&o] { return option_value::print_ignore(o.noise.ignore); }},
      {"listen", "ADDR:PORT", "serve /metrics, /livez and /readyz here; default: off",
       [&o](const std::string& v) { return option_value::take_listen(o.listen, v); },
       shown(o.listen)},
      choice("metrics-by", "also count the drops of each workload; at most 1,000 series",
             o.metrics_by, kMetricsBy),
      as_peer(choice("log-level", "what stderr gets", o.log_level, kLevels), "LOG_LEVEL",
              peer_level),
      choice("log-format", "of stderr: lines for people, or one JSON object a line", o.log_format,
             kLogFormats),
  };
}

// What the API server is spared. The defaults let 15,000 nodes that all drop without end make 500
// writes/s.
std::vector<Row> budget_rows(Options& o) {
  return {
      {"node-event-burst", "N", "Event writes that this node may make at once, in all",
       into(o.node_event_burst, 1), shown(o.node_event_burst)},
      {"node-event-interval", "TIME", "...then one each; 0s: no limit",
       into(o.node_event_interval, milliseconds(0)), shown(o.node_event_interval)},
      {"pod-event-burst", "N", "Event writes about one Pod that this node may make at once",
       into(o.pod_event_burst, 1), shown(o.pod_event_burst)},
      {"pod-event-interval", "TIME", "...then one each; 0s: no limit",
       into(o.pod_event_interval, milliseconds(0)), shown(o.pod_event_interval)},
      {"lookup-burst", "N", "look-ups of Pods, and of Services, that this node may make at once",
       into(o.lookup_burst, 1), shown(o.lookup_burst)},
      {"lookup-interval", "TIME",
       "...then one each; less often while the API server is slow to answer",
       into(o.lookup_interval, milliseconds(1)), shown(o.lookup_interval)},
      {"refused-interval", "TIME",
       "a namespace that forbids Events so long loses them, and is left alone as long",
       into(o.refused_interval, milliseconds(1'000)), shown(o.refused_interval)},
  };
}

std::vector<Row> rows(Options& o) {
  std::vector<Row> all = source_rows(o);
  for (const auto& more : {kubernetes_rows(o), schedule_rows(o), budget_rows(o)})
    all.insert(all.end(), more.begin(), more.end());
  return all;
}

// ---- environment

std::string twin(const std::string& flag) {
  std::string name = "KUBE_NFLOG_" + flag;
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
    return c == '-' ? '_' : static_cast<char>(std::toupper(c));
  });
  return name;
}

using Environment = std::map<std::string, std::string, std::less<>>;

Environment read_environment(const char* const* environment) {
  Environment all;
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    const std::string_view entry(*environment);
    if (const std::size_t eq = entry.find('='); eq != std::string_view::npos)
      all.emplace(entry.substr(0, eq), entry.substr(eq + 1));
  }
  return all;
}

Result<> take(const Row& row, const std::string& value, const std::string& from) {
  if (const Parsed wrong = row.take(value))
    return fail(from + ": \"" + value + "\" " + *wrong + ".", Exit::kUsage);
  return {};
}

std::string remark_on(const std::string& name, const std::string& value,
                      const std::string& remark) {
  return name + ": \"" + value + "\" " + remark + ".";
}

Result<> apply_environment(const Row& row, const Environment& env,
                           std::vector<std::string>& remarks) {
  if (const auto it = env.find(twin(row.flag)); it != env.end())
    return take(row, it->second, it->first);
  const auto it = env.find(row.peer_env);
  if (row.peer_env.empty() || it == env.end()) return {};
  const Mapped mapped = row.peer_value ? row.peer_value(it->second) : Mapped{it->second};
  if (!mapped.remark.empty()) remarks.push_back(remark_on(it->first, it->second, mapped.remark));
  return take(row, mapped.value, it->first);
}

// What kube-iptables-tailer's variables say together. Where it read a log, that log is read, and
// not NFLOG, which would be another thing. POD_IDENTIFIER=label reads its key from a second
// variable, and METRICS_SERVER_PORT is only a port: it was served on every address, and whoever set
// it scrapes it there.
void apply_peer_pairs(Environment& env) {
  if (env.count("JOURNAL_DIRECTORY") > 0)
    env.emplace("KUBE_NFLOG_SOURCE", "journal");
  else if (env.count("IPTABLES_LOG_PATH") > 0)
    env.emplace("KUBE_NFLOG_SOURCE", "file");
  const auto identifier = env.find("POD_IDENTIFIER");
  const auto label = env.find("POD_IDENTIFIER_LABEL");
  if (identifier != env.end() && identifier->second == "label" && label != env.end())
    env.emplace("KUBE_NFLOG_PEER_NAME", "label:" + label->second);
  if (const auto port = env.find("METRICS_SERVER_PORT"); port != env.end())
    env.emplace("KUBE_NFLOG_LISTEN",
                "0.0.0.0:" + option_value::map_port(port->second, kPeerPort).value);
}

// What kube-iptables-tailer had to be told, and we need not be.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kUnneeded{{
    {"PACKET_DROP_LOG_TIME_LAYOUT", "times are recognised by their form"},
    {"PACKET_DROP_CHANNEL_BUFFER_SIZE", "the queue has a size of its own"},
    {"WATCH_LOGS_INTERVAL_SECONDS", "lines are read as they come"},
}};

std::vector<std::string> remarks_on(const Environment& env) {
  std::vector<std::string> remarks;
  for (const auto& [name, why] : kUnneeded)
    if (env.find(name) != env.end())
      remarks.push_back(std::string(name) + " is set but not needed: " + std::string(why) + ".");
  const auto port = env.find("METRICS_SERVER_PORT");
  if (port == env.end() || env.find("KUBE_NFLOG_LISTEN") != env.end()) return remarks;
  remarks.emplace_back(
      "METRICS_SERVER_PORT serves the metrics on every IPv4 address, as kube-iptables-tailer did; "
      "--listen=ADDR:PORT names one.");
  const Mapped mapped = option_value::map_port(port->second, kPeerPort);
  if (!mapped.remark.empty())
    remarks.push_back(remark_on(port->first, port->second, mapped.remark));
  return remarks;
}

// ---- what no row can check alone

Result<> check_together(Options& o) {
  const auto calicos = std::find_if(o.nflog_groups.begin(), o.nflog_groups.end(),
                                    [](std::uint16_t group) { return group >= 1 && group <= 3; });
  if (calicos != o.nflog_groups.end() && !o.force_group)
    return fail("--nflog-group: group " + std::to_string(*calicos) +
                    " belongs to Calico: Felix reads groups 1 to 3 for its flow logs, and a group "
                    "has one reader only. If this agent took it first, Felix would go on without "
                    "flow logs and policy statistics, and say nothing. Let your rules log to "
                    "another group, such as 100; or, where no Felix will ever run, add "
                    "--force-group.",
                Exit::kUsage);
  if (o.update_interval_max < o.update_interval) o.update_interval_max = o.update_interval;
  if (o.source == SourceChoice::kFile && o.log_file.empty())
    return fail("--source=file needs --log-file=PATH: the log that the LOG rules write to.",
                Exit::kUsage);
  if (o.peer_name == "name" && o.peer_detail == PeerDetail::kWorkload)
    return fail(
        "--peer-name=name tells the Pod's name, which --peer-detail=workload withholds: "
        "leave one of them out.",
        Exit::kUsage);
  if (o.sink == SinkChoice::kKubernetes && !o.pods_file.empty())
    return fail("--pods=FILE is for --sink=stdout: Events are posted with the API's own Pods.",
                Exit::kUsage);
  return {};
}

// ---- output

std::string print_config(const std::vector<Row>& all) {
  std::string text;
  for (const Row& row : all) text += "--" + row.flag + "=" + row.print() + "\n";
  return text;
}

std::string help(const std::vector<Row>& all) {
  std::ostringstream out;
  out << "kube-nflog " KUBE_NFLOG_VERSION
         ": tells Pods, by Kubernetes Events, which packets the node's firewall dropped.\n\n"
         "Usage: kube-nflog [flags]\n\n";
  for (const Row& row : all) {
    out << "  --" << row.flag << "=" << row.value << "\n      " << row.help;
    if (const std::string value = row.print(); !value.empty()) out << " [" << value << "]";
    out << "\n";
  }
  out << "  --check\n      test what a start with these flags needs, one line each, and exit: 0 if "
         "nothing fails, else 1\n"
         "  --print-config\n      print every flag with the value in force, and exit\n"
         "  --version\n      print the version, and exit\n"
         "  --help\n      print this, and exit\n\n"
         "Each flag has an environment twin (--log-file is KUBE_NFLOG_LOG_FILE); the flag wins.\n"
         "The variables of kube-iptables-tailer of the same meaning work too.\n";
  return out.str();
}

}  // namespace

Result<CommandLine> parse_command_line(int argc, const char* const* argv,
                                       const char* const* environment) {
  CommandLine line;
  const std::vector<Row> all = rows(line.options);
  const std::string help_text = help(all);  // before any value is taken: it shows the defaults
  Environment env = read_environment(environment);
  // As manifests write what is not set.
  std::erase_if(env, [](const auto& variable) { return variable.second.empty(); });
  line.options.remarks = remarks_on(env);
  apply_peer_pairs(env);
  for (const Row& row : all)
    if (Result<> taken = apply_environment(row, env, line.options.remarks); !taken)
      return fail(std::move(taken).error());

  CLI::App app;
  app.set_help_flag();  // ours below: generated from the rows
  std::vector<std::string> values(all.size());
  std::vector<CLI::Option*> given;
  for (std::size_t i = 0; i < all.size(); ++i)
    given.push_back(app.add_option("--" + all[i].flag, values[i])
                        ->expected(0, 1)  // "--listen=" is an empty value, not a missing one
                        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast));
  bool print = false, version = false, want_help = false;
  app.add_flag("--check", line.check);
  app.add_flag("--print-config", print);
  app.add_flag("--version", version);
  app.add_flag("-h,--help", want_help);
  try {  // CLI11 reports by exceptions; they end here
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return fail(std::string(error.what()) + ". See kube-nflog --help.", Exit::kUsage);
  }
  for (std::size_t i = 0; i < all.size(); ++i)
    if (given[i]->count() > 0)
      if (Result<> taken = take(all[i], values[i], "--" + all[i].flag); !taken)
        return fail(std::move(taken).error());

  if (Result<> sound = check_together(line.options); !sound) return fail(sound.error());
  if (want_help)
    line.print = help_text;
  else if (version)
    line.print = "kube-nflog " KUBE_NFLOG_VERSION "\n";
  else if (print)
    line.print = print_config(all);
  // The rows point into `line`, which moves out now; they are not used again.
  return line;
}

}  // namespace kube_nflog
