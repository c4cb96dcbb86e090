// SPDX-License-Identifier: Apache-2.0
// StateKeeper: keeps a log's position and what deliver knows, of one cut, in --state-dir. Built by
// main(), which also has it load what an earlier process kept; then used on the deliver thread.
#pragma once

#include <optional>
#include <string>

#include "core/clock.h"
#include "core/cut.h"
#include "core/state_file.h"
#include "k8s/saved_state.h"

namespace kube_nflog {

class StateKeeper {
 public:
  // `cut` is shared with ingest and must outlive this. `is_kept`: `file` holds something already.
  StateKeeper(StateFile file, Cut& cut, bool is_kept);

  // What an earlier process stored. Null: it is of another version, and the log says so.
  std::optional<SavedState> load(const StoredState& stored, CauseTable& causes,
                                 InterfaceTable& interfaces) const;

  // The state of now belongs to this position: before the first drop; or to the cut's, for the mark
  // has come, and save() must follow.
  void start_at(std::string position);
  void reach();
  // A drop has come, which is of behind the position.
  void pass() { is_at_position_ = false; }
  // What is known has changed, but for the drops that have come.
  void touch() { is_touched_ = true; }
  // When to save what has; none: it has not, or the next cut will do.
  std::optional<SteadyTime> due() const;

  // Whether the state of now belongs to a position, so that save() may be called.
  bool is_at_position() const { return is_at_position_; }
  // If it cannot be written, the log says so, and what was kept before is still there.
  void save(const SavedState& state, SteadyTime now);

  // Whether a next process finds something to go on from.
  bool is_kept() const { return cut_.is_kept(); }
  const std::string& path() const { return file_.path(); }

 private:
  StateFile file_;
  Cut& cut_;
  std::string position_;
  bool is_at_position_ = false;
  bool is_cut_under_way_ = false;
  bool is_touched_ = false;
  SteadyTime rests_until_{};
};

}  // namespace kube_nflog
