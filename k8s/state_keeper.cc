// SPDX-License-Identifier: Apache-2.0
#include "k8s/state_keeper.h"

#include <chrono>
#include <cstdint>
#include <utility>

#include "core/log.h"

namespace kube_nflog {
namespace {

// A node's disk has other work to do: a hundred Events can be kept each second, the thousands of a
// full book every twenty.
constexpr std::uint64_t kBytesPerSecond = std::uint64_t{256} * 1024;

}  // namespace

StateKeeper::StateKeeper(StateFile file, Cut& cut, bool is_kept)
    : file_(std::move(file)), cut_(cut) {
  if (is_kept) cut_.set_kept();
}

std::optional<SavedState> StateKeeper::load(const StoredState& stored, CauseTable& causes,
                                            InterfaceTable& interfaces) const {
  std::optional<SavedState> saved = parse_saved_state(stored.state, causes, interfaces);
  if (!saved) {
    log::warn("Of what was kept in " + file_.path() +
              " only the reading position is used: the rest is of another version.");
    return saved;
  }
  std::uint64_t untold = 0;
  for (const SavedEvent& event : saved->events) untold += event.ledger;
  for (const SavedDrop& drop : saved->drops) untold += drop.told ? 0 : drop.drop.count;
  log::info("Going on where an earlier process was: " + std::to_string(saved->events.size()) +
            " Events, " + std::to_string(untold) + " packets of which are still to be told.");
  return saved;
}

void StateKeeper::start_at(std::string position) {
  position_ = std::move(position);
  is_at_position_ = true;
}

void StateKeeper::reach() {
  start_at(cut_.position());
  is_cut_under_way_ = true;
}

std::optional<SteadyTime> StateKeeper::due() const {
  if (!is_touched_ || !is_at_position_) return std::nullopt;
  return rests_until_;
}

void StateKeeper::save(const SavedState& state, SteadyTime now) {
  const std::string bytes = to_bytes(state);
  const Result<> stored = file_.store(position_, bytes);
  if (stored)
    cut_.set_kept();
  else
    log::warn_every(std::chrono::seconds(60), "state_file", stored.error().what);
  is_touched_ = !stored;
  const std::chrono::milliseconds rest{bytes.size() * 1'000 / kBytesPerSecond};
  rests_until_ = now + std::max(rest, Cut::kInterval);
  if (std::exchange(is_cut_under_way_, false)) cut_.end(rest);
}

}  // namespace kube_nflog
