// SPDX-License-Identifier: Apache-2.0
// FilePosition: how far a log file has been read, and by what it is known again after it was
// renamed or copied. Pure. Used by nflog/tailed_file, and kept in core/state_file as text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kube_nflog {

struct FilePosition {
  // So many bytes before the offset make the fingerprint: some line's time is among them, so no
  // other log has them at the same place, but a copy.
  static constexpr std::size_t kTail = 512;

  std::uint64_t device = 0, inode = 0;
  std::uint64_t offset = 0;
  std::uint64_t tail_hash =
      0;  // of the kTail bytes before `offset`, or of all where there are less

  static std::uint64_t hash(std::string_view tail);

  // "file 1 DEVICE INODE OFFSET HASH", one line without its end.
  std::string to_string() const;
  static std::optional<FilePosition> parse(std::string_view text);

  bool operator==(const FilePosition&) const = default;
};

}  // namespace kube_nflog
