// SPDX-License-Identifier: Apache-2.0
// JournalReader: the kernel's entries in the systemd journal, one by one. Implemented over
// libsystemd, where the build has it. Opened by nflog/journal_source, then owned by it, on the
// ingest thread.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/error.h"

namespace kube_nflog {

struct JournalEntry {
  SystemTime time{};         // when journald took it
  std::string_view message;  // any bytes; valid until the next call
};

class JournalReader {
 public:
  // A longer message may come cut, but not to this length or less.
  static constexpr std::size_t kMaxMessage = 8192;

  enum class Next {
    kEntry,
    kEnd,      // for now
    kDamaged,  // one entry, or what comes up to the present end, cannot be read
    kMissed,   // an entry of journald's: what the kernel overwrote before journald had read it
  };

  virtual ~JournalReader() = default;
  // Readable when follow() has something. Always the same.
  virtual int fd() const = 0;
  // When follow() is due although fd() is silent: on file systems that do not notify.
  virtual std::optional<SteadyTime> deadline() const = 0;
  // Takes in what was written, rotated or vacuumed. Never blocks.
  virtual Result<> follow() = 0;
  // Goes on by one entry, which it fills in only if there is one.
  virtual Next next(JournalEntry& entry) = 0;
  // Of the last entry that next() came to, or, before the first, of the place to start from.
  // Opaque text; it stays valid when the entry is gone.
  virtual std::string cursor() = 0;
};

// Goes on behind the entry of `cursor`, or of the one nearest to it if it was vacuumed; empty: from
// the end. `directory` holds journal files, or directories of them that are named by a machine ID;
// empty: this machine's own. kNoInput: there is nothing to read, and why; or not a cursor.
// kUnavailable: built without libsystemd.
Result<std::unique_ptr<JournalReader>> open_journal(const std::string& directory,
                                                    const std::string& cursor);

}  // namespace kube_nflog
