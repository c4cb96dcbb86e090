// SPDX-License-Identifier: Apache-2.0
#include "nflog/check_node.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/cause_table.h"
#include "core/clock.h"
#include "core/metrics.h"
#include "core/state_file.h"
#include "nflog/file_source.h"
#include "nflog/group_binder.h"
#include "nflog/group_holder.h"
#include "nflog/netlink_socket.h"
#include "nflog/open_source.h"
#include "nflog/privileges.h"
#include "nflog/rule_survey.h"
#include "nflog/ruleset.h"

namespace kube_nflog {
namespace {

constexpr std::uint32_t kSmallBuffer = 1U << 20;  // for a group that is let go at once

// Binds it as a start does, and lets go of it.
Result<> try_to_bind(std::uint16_t group) {
  Metrics metrics(std::span(&group, 1));
  Result<NetlinkSocket> socket = NetlinkSocket::open(kSmallBuffer);
  if (!socket) return fail(socket.error());
  GroupBinder::Early early;
  return GroupBinder({group}, GroupConfig(), metrics).start(*socket, early, false, steady_now());
}

void check_group(std::uint16_t group, bool wait, bool may_bind, Findings& out) {
  const std::string subject = "group " + std::to_string(group);
  const std::optional<GroupHolder> holder = find_group_holder(group);
  if (holder && holder->process.starts_with("kube-nflog (")) {
    out.ok(subject, "held by " + holder->process + ": the agent runs, and reads it.");
  } else if (holder) {
    out.add(wait ? Grade::kWarn : Grade::kFail, subject, group_is_held(group, *holder).what);
  } else if (!may_bind) {
    out.info(subject, "Nobody holds it. Whether it can be bound shows with NET_ADMIN only.");
  } else if (const Result<> bound = try_to_bind(group); !bound) {
    out.fail(subject, bound.error().what);
  } else {
    out.ok(subject, "Nobody holds it, and it can be bound.");
  }
}

Findings check_nflog(const Options& options) {
  Findings out;
  const bool may_bind = holds_net_admin();
  if (may_bind) {
    out.ok("capability", "NET_ADMIN is held.");
  } else {
    out.fail("capability",
             "NET_ADMIN is missing, which binding an NFLOG group needs: run as root, or give the "
             "container securityContext.capabilities.add: [NET_ADMIN].");
  }
  Findings groups;
  for (const std::uint16_t group : options.nflog_groups)
    check_group(group, options.wait_for_group, may_bind, groups);
  // Of several, those that are held are waited for.
  if (groups.count(Grade::kOk) > 0) groups.soften();
  out.add(groups);
  return out;
}

// Opened as a start does it; of the reading position, nothing is read or written.
void check_log(SourceChoice choice, const std::string& subject, const Options& options,
               Findings& out) {
  Options alone = options;
  alone.source = choice;
  alone.state_dir.clear();
  Metrics metrics;
  CauseTable causes;
  const bool is_file = choice == SourceChoice::kFile;
  if (is_file && ::access(options.log_file.c_str(), F_OK) != 0) {
    out.fail(subject, "There is no " + options.log_file +
                          ". Does a log daemon write it, and is the node's directory mounted here? "
                          "Without a log daemon, read --source=kmsg.");
  } else if (const Result<OpenedSource> opened = open_source(alone, causes, metrics); !opened) {
    out.fail(subject, opened.error().what);
  } else if (const std::string wrong = is_file ? mount_warning(options.log_file) : "";
             !wrong.empty()) {
    out.warn(subject, wrong);
  } else {
    out.ok(subject, (is_file ? options.log_file + " " : std::string()) + "can be read.");
  }
}

Findings check_fallback(const Options& options) {
  Findings out;
  if (!options.journal_dir.empty()) {
    check_log(SourceChoice::kJournal, "journal", options, out);
  } else if (!options.log_file.empty()) {
    check_log(SourceChoice::kFile, "log file", options, out);
  }
  if (out.all().empty() || out.any_failed())
    check_log(SourceChoice::kKmsg, "kernel log", options, out);
  return out;
}

// What is read in the end, for judging rules.
Reads check_auto(const Options& options, Findings& out) {
  Findings nflog = check_nflog(options);
  const bool reads_groups = !nflog.any_failed();
  Findings fallback;
  if (!reads_groups) fallback = check_fallback(options);
  const bool reads_log =
      !fallback.all().empty() && fallback.all().back().grade == Grade::kOk;  // tried in order
  if (reads_log) {
    nflog.soften();
    fallback.soften();
  }
  out.add(nflog);
  out.add(fallback);
  return {.groups = reads_groups ? options.nflog_groups : std::vector<std::uint16_t>(),
          .kernel_log = reads_log};
}

Reads check_source(const Options& options, Findings& out) {
  Reads reads;
  switch (options.source) {
    case SourceChoice::kAuto:
      return check_auto(options, out);
    case SourceChoice::kNflog:
      out.add(check_nflog(options));
      reads.groups = options.nflog_groups;
      return reads;
    case SourceChoice::kFile:
      check_log(SourceChoice::kFile, "log file", options, out);
      break;
    case SourceChoice::kKmsg:
      check_log(SourceChoice::kKmsg, "kernel log", options, out);
      break;
    case SourceChoice::kJournal:
      check_log(SourceChoice::kJournal, "journal", options, out);
      break;
  }
  reads.kernel_log = true;
  return reads;
}

void check_kernel(Findings& out) {
  utsname name{};
  ::uname(&name);
  std::string kernel = std::string("Linux ") + name.release + " on " + name.machine;
  if (::access("/proc/net/netfilter/nfnetlink_log", F_OK) == 0) kernel += ", with nfnetlink_log.";
  out.ok("kernel", kernel);
}

void check_state_dir(const std::string& directory, Findings& out) {
  if (directory.empty()) return;
  if (const Result<StateFile> tried = StateFile::open(directory, "check"); !tried) {
    out.fail("state dir", tried.error().what);
  } else {
    out.ok("state dir", directory + " can be written.");
  }
}

void check_rules(const Reads& reads, Findings& out) {
  RuleSurvey survey;
  const Result<> read = read_ruleset(survey);
  if (!read && read.error().exit == Exit::kNoPermission) {
    return out.info("rules", "Whether rules log, and to where, shows with NET_ADMIN only.");
  }
  if (!read) out.info("rules", "Not all rules can be read: " + read.error().what);
  out.add(survey.judge(reads, [](std::uint16_t group) {
    const std::optional<GroupHolder> holder = find_group_holder(group);
    return holder ? name_of(*holder) : std::string();
  }));
}

}  // namespace

Findings check_node(const Options& options) {
  Findings source;
  const Reads reads = check_source(options, source);
  Findings out;
  check_kernel(out);  // after the source: trying it may load nfnetlink_log
  out.add(source);
  check_state_dir(options.state_dir, out);
  check_rules(reads, out);
  return out;
}

}  // namespace kube_nflog
