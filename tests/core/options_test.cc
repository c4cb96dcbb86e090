// SPDX-License-Identifier: Apache-2.0
#include "core/options.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kube_nflog {
namespace {

using std::chrono::milliseconds;

Result<CommandLine> parse(std::vector<const char*> args, std::vector<const char*> env = {}) {
  args.insert(args.begin(), "kube-nflog");
  env.push_back(nullptr);
  return parse_command_line(static_cast<int>(args.size()), args.data(), env.data());
}

TEST(Options, TheDefaultsAreThoseOfTheDocs) {
  const Result<CommandLine> line = parse({});
  ASSERT_TRUE(line) << line.error().what;
  EXPECT_EQ(line->options.nflog_groups, std::vector<std::uint16_t>{100});
  EXPECT_EQ(line->options.repeat_interval, milliseconds(120'000));
  EXPECT_EQ(line->options.source, SourceChoice::kAuto);
  EXPECT_EQ(line->options.state_dir, "");
  EXPECT_EQ(line->options.node_event_burst, 20u);
  EXPECT_EQ(line->options.node_event_interval, milliseconds(30'000));
  EXPECT_EQ(line->options.pod_event_burst, 10u);
  EXPECT_EQ(line->options.pod_event_interval, milliseconds(300'000));
  EXPECT_TRUE(line->print.empty());
}

TEST(Options, ReadsBudgets) {
  const Result<CommandLine> line =
      parse({"--node-event-burst=10000", "--node-event-interval=0s", "--pod-event-burst=1",
             "--refused-interval=1s", "--lookup-burst=7", "--lookup-interval=2s"});
  ASSERT_TRUE(line) << line.error().what;
  EXPECT_EQ(line->options.node_event_burst, 10'000u);
  EXPECT_EQ(line->options.node_event_interval, milliseconds(0));
  EXPECT_EQ(line->options.pod_event_burst, 1u);
  EXPECT_EQ(line->options.refused_interval, milliseconds(1'000));
  EXPECT_EQ(line->options.lookup_burst, 7u);
  EXPECT_EQ(line->options.lookup_interval, milliseconds(2'000));
  EXPECT_EQ(parse({"--pod-event-burst=0"}).error().what,
            "--pod-event-burst: \"0\" is not a whole number from 1 to 10000.");
}

TEST(Options, AFlagWinsOverItsTwinWhichWinsOverThePeersName) {
  EXPECT_EQ(parse({}, {"IPTABLES_LOG_PATH=/peer"})->options.log_file, "/peer");
  EXPECT_EQ(parse({}, {"IPTABLES_LOG_PATH=/peer", "KUBE_NFLOG_LOG_FILE=/twin"})->options.log_file,
            "/twin");
  EXPECT_EQ(parse({"--log-file=/flag"}, {"KUBE_NFLOG_LOG_FILE=/twin"})->options.log_file, "/flag");
  EXPECT_EQ(parse({}, {"KUBE_NFLOG_STATE_DIR=/state"})->options.state_dir, "/state");
  EXPECT_EQ(parse({}, {"JOURNAL_DIRECTORY=/peer"})->options.journal_dir, "/peer");
  EXPECT_EQ(parse({"--log-file=/flag", "--log-file", "/last"})->options.log_file, "/last");
}

TEST(Options, ReadsTheLogThatKubeIptablesTailerRead) {
  EXPECT_EQ(parse({}, {"IPTABLES_LOG_PATH=/peer"})->options.source, SourceChoice::kFile);
  EXPECT_EQ(
      parse({}, {"IPTABLES_LOG_PATH=/peer", "JOURNAL_DIRECTORY=/run/log/journal"})->options.source,
      SourceChoice::kJournal);
  EXPECT_EQ(parse({}, {"IPTABLES_LOG_PATH=/peer", "JOURNAL_DIRECTORY="})->options.source,
            SourceChoice::kFile);
  EXPECT_EQ(parse({}, {"IPTABLES_LOG_PATH=/peer", "KUBE_NFLOG_SOURCE=auto"})->options.source,
            SourceChoice::kAuto);
  EXPECT_EQ(parse({"--source=nflog"}, {"IPTABLES_LOG_PATH=/peer"})->options.source,
            SourceChoice::kNflog);
}

TEST(Options, ReadsTheLogLevelOfKubeIptablesTailer) {
  EXPECT_EQ(parse({}, {"LOG_LEVEL=DEBUG"})->options.log_level, "debug");
  EXPECT_EQ(parse({}, {"LOG_LEVEL=fatal"})->options.log_level, "error");
  EXPECT_EQ(parse({}, {"LOG_LEVEL=verbose"})->options.log_level, "info");
  EXPECT_EQ(parse({"--log-level=warn"}, {"LOG_LEVEL=debug"})->options.log_level, "warn");
}

TEST(Options, ReadsTheEnvironmentOfKubeIptablesTailer) {
  const Result<CommandLine> line =
      parse({}, {"IPTABLES_LOG_PREFIX=calico-drop:", "POD_IDENTIFIER=label",
                 "POD_IDENTIFIER_LABEL=app", "REPEATED_EVENTS_INTERVAL_MINUTES=3",
                 "METRICS_SERVER_PORT=9090", "KUBE_EVENT_DISPLAY_REASON=Dropped"});
  ASSERT_TRUE(line) << line.error().what;
  EXPECT_EQ(line->options.log_word, "calico-drop:");
  EXPECT_TRUE(line->options.log_prefixes.empty());
  EXPECT_EQ(line->options.peer_name, "label:app");
  EXPECT_EQ(line->options.repeat_interval, milliseconds(180'000));
  EXPECT_EQ(line->options.listen, "0.0.0.0:9090");  // as there; and the log says so
  ASSERT_EQ(line->options.remarks.size(), 1u);
  EXPECT_NE(line->options.remarks[0].find("every IPv4 address"), std::string::npos);
  EXPECT_EQ(line->options.event_reason, "Dropped");
  EXPECT_EQ(parse({}, {"POD_IDENTIFIER=name_with_namespace"})->options.peer_name, "name");
  EXPECT_EQ(parse({}, {"POD_IDENTIFIER=whatever"})->options.peer_name, "namespace");
}

TEST(Options, AnEmptyVariableIsNotSet) {
  const Result<CommandLine> line =
      parse({}, {"KUBE_NFLOG_FORCE_GROUP=", "KUBE_NFLOG_LOG_FILE=", "IPTABLES_LOG_PATH=/peer",
                 "REPEATED_EVENTS_INTERVAL_MINUTES=", "METRICS_SERVER_PORT=",
                 "PACKET_DROP_LOG_TIME_LAYOUT="});
  ASSERT_TRUE(line) << line.error().what;
  EXPECT_FALSE(line->options.force_group) << "--force-group alone is true";
  EXPECT_EQ(line->options.log_file, "/peer");
  EXPECT_EQ(line->options.repeat_interval, milliseconds(120'000));
  EXPECT_EQ(line->options.listen, "");
  EXPECT_TRUE(line->options.remarks.empty());
}

TEST(Options, ReadsWhenALineIsTooOld) {
  EXPECT_EQ(parse({})->options.expire, milliseconds(600'000));
  EXPECT_EQ(parse({"--expire=90s"})->options.expire, milliseconds(90'000));
  EXPECT_EQ(parse({}, {"PACKET_DROP_EXPIRATION_MINUTES=20"})->options.expire,
            milliseconds(1'200'000));
  EXPECT_FALSE(parse({"--expire=500ms"}));
}

// A word of the prefix, there: with commas and stars as they are.
TEST(Options, TheChosenWordIsNoList) {
  EXPECT_EQ(parse({}, {"IPTABLES_LOG_PREFIX=a,b*"})->options.log_word, "a,b*");
  EXPECT_EQ(parse({"--log-word=flag"}, {"IPTABLES_LOG_PREFIX=peer"})->options.log_word, "flag");
  const Result<CommandLine> both = parse({"--log-prefix=a,b*"}, {"IPTABLES_LOG_PREFIX=DROP:"});
  EXPECT_EQ(both->options.log_prefixes, (std::vector<std::string>{"a", "b*"}));
  EXPECT_EQ(both->options.log_word, "DROP:");
  EXPECT_NE(
      parse({"--print-config"}, {"IPTABLES_LOG_PREFIX=a,b"})->print.find("\n--log-word=a,b\n"),
      std::string::npos);
}

// It started with whatever it was told: at its default where it was no number, and said so.
TEST(Options, NoNumberOfThePeersEndsTheStart) {
  struct Case {
    const char* value;
    milliseconds expire, repeat;
    bool remarked;
  };
  for (const Case& c : std::vector<Case>{
           {"1440", milliseconds(86'400'000), milliseconds(86'400'000), false},
           {"+3", milliseconds(180'000), milliseconds(180'000), false},
           {"0", milliseconds(1'000), milliseconds(80), true},
           {"-5", milliseconds(1'000), milliseconds(80), true},
           {"1500", milliseconds(86'400'000), milliseconds(86'400'000), true},
           {"9223372036854775807", milliseconds(86'400'000), milliseconds(86'400'000), true},
           {"9223372036854775808", milliseconds(600'000), milliseconds(120'000), true},
           {"10m", milliseconds(600'000), milliseconds(120'000), true},
           {"abc", milliseconds(600'000), milliseconds(120'000), true},
           {"+-1", milliseconds(600'000), milliseconds(120'000), true}}) {
    const std::string expire = "PACKET_DROP_EXPIRATION_MINUTES=" + std::string(c.value);
    const std::string repeat = "REPEATED_EVENTS_INTERVAL_MINUTES=" + std::string(c.value);
    const Result<CommandLine> line = parse({}, {expire.c_str(), repeat.c_str()});
    ASSERT_TRUE(line) << line.error().what;
    EXPECT_EQ(line->options.expire, c.expire) << c.value;
    EXPECT_EQ(line->options.repeat_interval, c.repeat) << c.value;
    EXPECT_EQ(line->options.remarks.size(), c.remarked ? 2u : 0u) << c.value;
  }
  EXPECT_EQ(parse({}, {"PACKET_DROP_EXPIRATION_MINUTES=10m"})->options.remarks.at(0),
            "PACKET_DROP_EXPIRATION_MINUTES: \"10m\" is not a whole number: the default is in "
            "force, 10m.");
  EXPECT_EQ(parse({}, {"REPEATED_EVENTS_INTERVAL_MINUTES=0"})->options.remarks.at(0),
            "REPEATED_EVENTS_INTERVAL_MINUTES: \"0\" is less than the least, which is in force: "
            "80ms.");
  for (const char* port : {"0", "abc", "65536", "-1", "9090/tcp"}) {
    const std::string variable = "METRICS_SERVER_PORT=" + std::string(port);
    const Result<CommandLine> line = parse({}, {variable.c_str()});
    ASSERT_TRUE(line) << line.error().what;
    EXPECT_EQ(line->options.listen, "0.0.0.0:9090") << port;
    ASSERT_EQ(line->options.remarks.size(), 2u) << port;
    EXPECT_EQ(line->options.remarks[1], "METRICS_SERVER_PORT: \"" + std::string(port) +
                                            "\" is not a port: the default is in force, 9090.");
  }
  // Ours do not say one thing and do another.
  EXPECT_FALSE(parse({}, {"KUBE_NFLOG_EXPIRE=10"}));
  EXPECT_TRUE(parse({}, {"KUBE_NFLOG_EXPIRE=5m", "PACKET_DROP_EXPIRATION_MINUTES=abc"})
                  ->options.remarks.empty());
}

TEST(Options, WhatOnlyThePeerHadToBeToldIsRemarked) {
  EXPECT_TRUE(parse({})->options.remarks.empty());
  const Result<CommandLine> line =
      parse({}, {"PACKET_DROP_LOG_TIME_LAYOUT=Jan _2 15:04:05", "WATCH_LOGS_INTERVAL_SECONDS=5"});
  ASSERT_TRUE(line) << line.error().what;
  ASSERT_EQ(line->options.remarks.size(), 2u);
  EXPECT_EQ(
      line->options.remarks[0],
      "PACKET_DROP_LOG_TIME_LAYOUT is set but not needed: times are recognised by their form.");
}

TEST(Options, ReadsListsAndUnits) {
  const Result<CommandLine> line =
      parse({"--nflog-group=86,100,86", "--update-interval=500ms", "--rcvbuf-bytes=4MiB"});
  ASSERT_TRUE(line) << line.error().what;
  EXPECT_EQ(line->options.nflog_groups, (std::vector<std::uint16_t>{86, 100}));
  EXPECT_EQ(line->options.update_interval, milliseconds(500));
  EXPECT_EQ(line->options.nflog_rcvbuf_bytes, 4U << 20);
  EXPECT_FALSE(line->options.noise.report_dhcp);
  const Result<CommandLine> noisy =
      parse({"--ignore=10.0.0.0/8,fd00::1", "--report-noise=mid-stream,dhcp"});
  ASSERT_TRUE(noisy) << noisy.error().what;
  EXPECT_TRUE(noisy->options.noise.report_dhcp);
  EXPECT_TRUE(noisy->options.noise.report_mid_stream);
  EXPECT_FALSE(noisy->options.noise.report_multicast);
  EXPECT_EQ(noisy->options.noise.ignore.size(), 2u);
}

TEST(Options, EveryMistakeIsAUsageErrorThatNamesFlagAndValue) {
  for (const char* bad : {"--nflog-group=70000",
                          "--nflog-group=",
                          "--nflog-group=1",
                          "--nflog-group=100,x",
                          "--source=kernel",
                          "--repeat-interval=2",
                          "--repeat-interval=-1s",
                          "--repeat-interval=1ms",
                          "--rcvbuf-bytes=1",
                          "--peer-name=label:",
                          "--listen=localhost:80",
                          "--listen=127.0.0.1",
                          "--listen=[::1:80",
                          "--api-server=10.0.0.1",
                          "--log-level=loud",
                          "--node-event-burst=0",
                          "--node-event-burst=-1",
                          "--node-event-burst=4294967297",
                          "--pod-event-burst=10001",
                          "--pod-event-burst=many",
                          "--pod-event-interval=5",
                          "--refused-interval=0s",
                          "--node-event-interval=25h",
                          "--repeat-interval=2147483647h",
                          "--source=file",
                          "--pods=x",
                          "--no-such-flag",
                          "stray",
                          "--report-noise=loud",
                          "--ignore=10.0.0.1/8",
                          "--ignore=10.0.0.0/33",
                          "--ignore=x"}) {
    const Result<CommandLine> line = parse({bad});
    ASSERT_FALSE(line) << bad;
    EXPECT_EQ(line.error().exit, Exit::kUsage) << bad;
    EXPECT_FALSE(line.error().what.empty()) << bad;
  }
  EXPECT_EQ(parse({"--source=kernel"}).error().what,
            "--source: \"kernel\" is none of auto|nflog|file|kmsg|journal.");
  EXPECT_EQ(parse({}, {"KUBE_NFLOG_SOURCE=kernel"}).error().what,
            "KUBE_NFLOG_SOURCE: \"kernel\" is none of auto|nflog|file|kmsg|journal.");
}

TEST(Options, CalicosGroupsWantForce) {
  for (const char* groups : {"--nflog-group=1", "--nflog-group=100,2", "--nflog-group=3"}) {
    const Result<CommandLine> line = parse({groups});
    ASSERT_FALSE(line) << groups;
    EXPECT_EQ(line.error().exit, Exit::kUsage);
    EXPECT_NE(line.error().what.find("Felix"), std::string::npos);
    EXPECT_NE(line.error().what.find("--force-group"), std::string::npos);
    EXPECT_TRUE(parse({groups, "--force-group"})) << "the order does not matter";
    EXPECT_TRUE(parse({"--force-group=true", groups}));
    EXPECT_FALSE(parse({"--force-group=false", groups}));
    EXPECT_TRUE(parse({groups}, {"KUBE_NFLOG_FORCE_GROUP=true"}));
  }
}

TEST(Options, ASwitchIsOnByItsNameAlone) {
  EXPECT_FALSE(parse({})->options.wait_for_group);
  EXPECT_TRUE(parse({"--wait-for-group", "--source=nflog"})->options.wait_for_group);
  EXPECT_FALSE(parse({"--wait-for-group=false"})->options.wait_for_group);
  EXPECT_EQ(parse({"--wait-for-group=maybe"}).error().what,
            "--wait-for-group: \"maybe\" is none of false|true.");
  EXPECT_NE(parse({"--print-config", "--wait-for-group"})->print.find("--wait-for-group=true\n"),
            std::string::npos);
}

TEST(Options, HowMuchIsToldOfPeers) {
  EXPECT_EQ(parse({})->options.peer_detail, PeerDetail::kFull);
  EXPECT_EQ(parse({"--peer-detail=ip", "--peer-name=name"})->options.peer_detail, PeerDetail::kIp);
  EXPECT_EQ(parse({"--peer-detail=workload"})->options.peer_detail, PeerDetail::kWorkload);
  EXPECT_NE(parse({"--peer-detail=workload", "--peer-name=name"}).error().what.find("withholds"),
            std::string::npos);
  EXPECT_TRUE(parse({})->options.service_lookup);
  EXPECT_FALSE(parse({"--service-lookup=false"})->options.service_lookup);
  EXPECT_TRUE(parse({})->options.reverse_dns);
  EXPECT_FALSE(parse({"--reverse-dns=false"})->options.reverse_dns);
  EXPECT_EQ(parse({"--dns-server=10.96.0.10"})->options.dns_server, "10.96.0.10");
  EXPECT_FALSE(parse({}, {"POD_IDENTIFIER=label"})) << "which label?";
}

TEST(Options, PrintConfigCanBeFedBackAndGivesTheSame) {
  const std::string first =
      parse({"--print-config", "--sink=stdout", "--repeat-interval=90s", "--peer-name=label:app",
             "--ignore=10.0.0.0/8,fd00::1/128", "--report-noise=mid-stream,mdns",
             "--log-prefix=a,b*", "--log-word=a,b"})
          ->print;
  std::vector<std::string> args;
  for (std::size_t at = 0, end = 0; (end = first.find('\n', at)) != std::string::npos; at = end + 1)
    args.push_back(first.substr(at, end - at));
  std::vector<const char*> again{"--print-config"};
  for (const std::string& arg : args) again.push_back(arg.c_str());
  const Result<CommandLine> line = parse(again);
  ASSERT_TRUE(line) << line.error().what;
  EXPECT_EQ(line->print, first);
  EXPECT_NE(first.find("--repeat-interval=90s\n"), std::string::npos);
}

TEST(Options, HelpShowsEveryFlagWithItsDefault) {
  const std::string help = parse({"--help", "--sink=stdout"})->print;
  EXPECT_NE(help.find("--nflog-group=N[,N...]\n"), std::string::npos);
  EXPECT_NE(help.find("[100]"), std::string::npos);
  EXPECT_NE(help.find("[kubernetes]"), std::string::npos) << "the default, not the value given";
  EXPECT_NE(parse({"--version"})->print.find("kube-nflog "), std::string::npos);
}

}  // namespace
}  // namespace kube_nflog
