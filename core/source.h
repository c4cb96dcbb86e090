// SPDX-License-Identifier: Apache-2.0
// DropSource: where drops come from (NFLOG groups, an iptables log). Implemented in nflog/, driven
// by core/ingest on the ingest thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/drop.h"
#include "core/error.h"

namespace kube_nflog {

// A source has already applied the verdict of the rule's prefix: what it appends was dropped. It
// counts itself, in Metrics, every record it sees and each one that it does not append, so that
// seen == appended + suppressed + undecodable holds after every call.
class DropSource {
 public:
  virtual ~DropSource() = default;
  virtual std::string_view name() const = 0;  // the value of the source_active label
  // Readable when read() has something. Stays the same for the life of the source.
  virtual int fd() const = 0;
  // Readable when follow() has something: a change in what read() tells of drops, such as an
  // interface's name. Asked for anew each time; -1: none at present.
  virtual int side_fd() const { return -1; }
  // Takes such changes in. Called before read() where both are due. Never blocks.
  virtual void follow() {}
  // When read() must be called although fd() is silent (polling, held records); none = never.
  virtual std::optional<SteadyTime> deadline() const { return std::nullopt; }
  // Appends what has arrived, a bounded amount a call. Never blocks. An error is final: the source
  // is of no further use and the process ends with it.
  virtual Result<> read(std::vector<Drop>& out) = 0;
  // Behind what read() has taken: where a next process is to go on, opaque. None: there is no such
  // place, now or ever.
  virtual std::optional<std::string> position() { return std::nullopt; }
  // Whether it has gone on exactly where it was told to when it was opened.
  virtual bool resumed() const { return false; }
};

}  // namespace kube_nflog
