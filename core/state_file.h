// SPDX-License-Identifier: Apache-2.0
// StateFile: what a log's reader keeps in --state-dir for the next process: how far the log was
// read, and what had become of it by then. Opened by open_source, written on the deliver thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/error.h"
#include "core/unique_fd.h"

namespace kube_nflog {

// Both in one file, so that they cannot disagree. What they look like is the matter of the source
// and of the deliver thread: text or bytes.
struct StoredState {
  std::string position;
  std::string state;
  SystemTime stored_at{};  // by the file's own time
};

class StateFile {
 public:
  static constexpr std::size_t kMaxPosition = 4096;
  static constexpr std::size_t kMaxState = std::size_t{64} << 20;

  // The file is DIRECTORY/SOURCE.state; the directory is made if its parent is there. kNoInput:
  // files cannot be made there.
  static Result<StateFile> open(const std::string& directory, std::string_view source);

  // What was stored last, by whichever process; nothing: there is no file. The error is a sentence
  // for the log; it is no reason to end: the file is not ours, damaged, or cannot be read.
  Result<std::optional<StoredState>> load() const;

  // Replaces the file, whole or not at all even if we are killed meanwhile. After a power cut an
  // earlier state may be there. The error is a sentence for the log.
  Result<> store(std::string_view position, std::string_view state);

  const std::string& path() const { return path_; }

 private:
  StateFile() = default;

  UniqueFd directory_;
  std::string path_, name_, spare_name_;  // path_ is for people, names are within directory_
  std::string kind_;                      // what the file begins with
};

}  // namespace kube_nflog
