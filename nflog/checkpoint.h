// SPDX-License-Identifier: Apache-2.0
// Checkpoint: how far a log source has read, in a small file of --state-dir, so that a restart goes
// on from there. Made by open_source, then owned by the source, on the ingest thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/error.h"
#include "core/unique_fd.h"

namespace kube_nflog {

// What a position looks like is the source's matter: text or bytes, 1 to kMaxPosition
// of them.
class Checkpoint {
 public:
  static constexpr std::size_t kMaxPosition = 4096;

  Checkpoint() = default;  // keeps nothing: there is no --state-dir

  // The file is DIRECTORY/SOURCE.checkpoint; the directory is made if its parent is there. Empty:
  // keeps nothing. kNoInput: files cannot be made there.
  static Result<Checkpoint> open(const std::string& directory, std::string_view source);

  // Whether positions are kept at all.
  explicit operator bool() const { return static_cast<bool>(directory_); }

  // What was stored last, by whichever process; nothing: there is no file. The error is a sentence
  // for the log; it is no reason to end: the file is not ours, damaged, or cannot be read.
  Result<std::optional<std::string>> load() const;

  // Replaces the file, whole or not at all even if we are killed meanwhile. After a power cut an
  // earlier position may be there. The error is a sentence for the log.
  Result<> store(std::string_view position);

  // For the reading loop: store(), but not sooner than a second after the last time; then
  // deadline() says when to call again. Failures are warned of, once a minute.
  void keep(std::string_view position, SteadyTime now);
  // None: what keep() was told last is stored.
  std::optional<SteadyTime> deadline() const { return deadline_; }

 private:
  UniqueFd directory_;
  std::string path_, name_, spare_name_;  // path_ is for people, names are within directory_
  std::string header_;                    // of the file
  std::string stored_;                    // by store()
  SteadyTime next_{};                     // keep() stores no sooner
  std::optional<SteadyTime> deadline_;
};

}  // namespace kube_nflog
