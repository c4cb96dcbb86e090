// SPDX-License-Identifier: Apache-2.0
// Intake: NFLOG datagrams in, drops out, everything counted. It is NflogSource without the socket,
// so that tests, fuzzers and benches feed it bytes. Owned by the ingest thread; no allocation per
// record.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/cause_table.h"
#include "core/clock.h"
#include "core/drop.h"
#include "core/metrics.h"
#include "nflog/cursor.h"
#include "nflog/flow_causes.h"
#include "nflog/interface_names.h"
#include "nflog/loss.h"
#include "nflog/message.h"
#include "nflog/policy_join.h"
#include "nflog/service_table.h"
#include "nflog/verdict.h"

namespace kube_nflog {

class Intake {
 public:
  // `metrics` has a series for each of `groups`; both references must outlive this.
  Intake(std::span<const std::uint16_t> groups, CauseTable& causes, Metrics& metrics);

  // Appends the drops of one datagram. `now` stamps records without a time of their own.
  void take(Bytes datagram, SystemTime now, std::vector<Drop>& out);

  // To be taught by whoever knows. Drops tell the names of when they are taken.
  InterfaceNames& interfaces() { return interfaces_; }

  // Once per wake-up, when the socket is empty: hints whose verdict did not come are let go.
  void settle(SteadyTime now) { join_.settle(now); }
  std::optional<SteadyTime> deadline() const { return join_.deadline(); }

  // Adds what was counted since the last time to the metrics, once per wake-up instead of per
  // record. Returns how many records the kernel lost before those that arrived.
  std::uint64_t publish();

 private:
  struct Group {
    std::uint16_t number;
    Counter *messages, *lost_total;
    SeqGap gap;
    std::uint64_t seen = 0, lost = 0;  // since the last publish()
    bool started = false;              // a record came
  };

  void take_record(const Record& record, SystemTime now, std::vector<Drop>& out);
  void take_drop(const Record& record, const Cause* cause, SystemTime time, std::vector<Drop>& out);

  std::vector<Group> groups_;
  CauseTable& causes_;
  Verdicts verdicts_;
  PolicyJoin join_;
  FlowCauses flow_causes_;
  ServiceTable services_;
  InterfaceNames interfaces_;
  Metrics& metrics_;
  // Since the last publish(); `seen` holds damaged messages too, whose group is not known.
  struct {
    std::uint64_t seen = 0, hints = 0, allowed = 0, undecodable = 0;
    std::uint64_t causes_left_out = 0, services_left_out = 0;
  } counts_;
};

}  // namespace kube_nflog
