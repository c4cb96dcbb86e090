// SPDX-License-Identifier: Apache-2.0
#include "nflog/journal_reader.h"

#ifdef KUBE_NFLOG_JOURNAL

#include <fcntl.h>
#include <systemd/sd-journal.h>
#include <systemd/sd-messages.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "core/log.h"

namespace kube_nflog {
namespace {

namespace fs = std::filesystem;

struct CloseJournal {
  void operator()(sd_journal* journal) const { sd_journal_close(journal); }
};
using Journal = std::unique_ptr<sd_journal, CloseJournal>;

// Of the entry that the journal is at; none: it is at none, or that is damaged.
std::optional<std::string> cursor_of(sd_journal* journal) {
  char* text = nullptr;
  if (sd_journal_get_cursor(journal, &text) < 0) return std::nullopt;
  const std::unique_ptr<char, decltype(&std::free)> owner(text, &std::free);
  return std::string(text);
}

// Of what journald says itself.
constexpr std::string_view kDriver = "_TRANSPORT=driver";

// Not more of a message is unpacked: one byte tells that it is too long.
constexpr std::size_t kThreshold = sizeof "MESSAGE=" + JournalReader::kMaxMessage;

std::string reason(int result) { return std::strerror(-result); }

tl::unexpected<Error> cannot_read(const std::string& what, const std::string& why, int result = 0) {
  return fail("Cannot read the journal in " + what + ": " + why, Exit::kNoInput, -result);
}

std::string places(const std::string& directory) {
  return directory.empty() ? "/var/log/journal and /run/log/journal" : directory;
}

constexpr const char* kMount =
    " In a container, mount the node's (a hostPath volume) and name it: /var/log/journal where the "
    "node keeps its journal on disk, else /run/log/journal, with --journal-dir.";
constexpr const char* kPermit =
    " Run as a member of the group systemd-journal (supplementalGroups), or with the capability "
    "DAC_READ_SEARCH.";

struct JournalFiles {
  std::size_t readable = 0;
  bool denied = false;  // there are some, or directories, that we may not read
};

// Where libsystemd looks, too: in `directory` and one level below it.
void look_for_files(const std::string& directory, JournalFiles& found) {
  std::error_code error;
  for (fs::recursive_directory_iterator at(directory, error), end; !error && at != end;
       at.increment(error)) {
    if (at.depth() >= 1) at.disable_recursion_pending();
    if (at->path().extension() != ".journal") continue;
    if (::faccessat(AT_FDCWD, at->path().c_str(), R_OK, AT_EACCESS) == 0)
      ++found.readable;
    else
      found.denied = true;
  }
  found.denied = found.denied || error == std::errc::permission_denied;
}

// libsystemd passes over what it cannot open without a word.
tl::unexpected<Error> no_entries(const std::string& directory) {
  const std::string where = places(directory);
  JournalFiles found;
  if (directory.empty()) {
    for (const char* place : {"/var/log/journal", "/run/log/journal"}) look_for_files(place, found);
  } else {
    look_for_files(directory, found);
  }
  if (found.readable == 0 && found.denied)
    return cannot_read(where, std::string("permission denied.") + kPermit);
  if (found.readable == 0)
    return cannot_read(where, std::string("there are no journal files.") + kMount);
  return cannot_read(
      where,
      "there are journal files, but none with an entry that can be read: they are another "
      "machine's (then name their directory with --journal-dir), empty, damaged, or written by a "
      "newer systemd than the libsystemd of this program.");
}

Result<Journal> open_files(const std::string& directory) {
  sd_journal* opened = nullptr;
  const int result = directory.empty()
                         ? sd_journal_open(&opened, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM)
                         : sd_journal_open_directory(&opened, directory.c_str(), 0);
  if (result == -EACCES || result == -EPERM)
    return cannot_read(places(directory), reason(result) + "." + kPermit, result);
  if (result < 0) return cannot_read(places(directory), reason(result) + "." + kMount, result);
  return Journal(opened);
}

class SystemdReader : public JournalReader {
 public:
  explicit SystemdReader(Journal journal) : journal_(std::move(journal)) {}

  Result<> start(const std::string& directory, const std::string& cursor);

  int fd() const override { return fd_; }
  std::optional<SteadyTime> deadline() const override;
  Result<> follow() override;
  Next next(JournalEntry& entry) override;
  std::string cursor() override;

 private:
  bool seek_end();
  bool is_kernels_own();
  bool is_journalds();
  Next read_entry(JournalEntry& entry);
  Next damaged(int result);

  Journal journal_;
  int fd_ = -1;
  std::string cursor_;    // where to start from, until the first entry
  bool started_ = false;  // an entry was read: the journal's own cursor counts
};

// The last entry, of whatever kind, so that there is a cursor in any case. Before matches are set.
bool SystemdReader::seek_end() {
  if (sd_journal_seek_tail(journal_.get()) < 0 || sd_journal_previous(journal_.get()) <= 0)
    return false;
  const std::optional<std::string> last = cursor_of(journal_.get());
  cursor_ = last.value_or("");
  return last.has_value();
}

Result<> SystemdReader::start(const std::string& directory, const std::string& cursor) {
  const std::string where = places(directory);
  sd_journal* journal = journal_.get();
  fd_ = sd_journal_get_fd(journal);  // first, so that no change is missed
  if (fd_ == -EMFILE)
    return cannot_read(
        where, "too many open files, or inotify instances: raise fs.inotify.max_user_instances.",
        fd_);
  if (fd_ < 0) return cannot_read(where, reason(fd_) + ".", fd_);
  if (!seek_end()) return no_entries(directory);
  if (!cursor.empty()) cursor_ = cursor;
  // What a process sends can bear any SYSLOG_IDENTIFIER, so that alone says nothing; fields with an
  // underscore are journald's own. See is_kernels_own() for the rest.
  constexpr std::array<std::string_view, 5> kMatches{"_TRANSPORT=kernel",
                                                     "SYSLOG_IDENTIFIER=kernel", "", kDriver,
                                                     "MESSAGE_ID=" SD_MESSAGE_JOURNAL_MISSED_STR};
  for (const std::string_view match : kMatches) {
    const int result = match.empty() ? sd_journal_add_disjunction(journal)
                                     : sd_journal_add_match(journal, match.data(), match.size());
    if (result < 0) return cannot_read(where, reason(result) + ".", result);
  }
  if (const int result = sd_journal_set_data_threshold(journal, kThreshold); result < 0)
    return cannot_read(where, reason(result) + ".", result);
  if (const int result = sd_journal_seek_cursor(journal, cursor_.c_str()); result < 0)
    return cannot_read(where, "\"" + cursor_ + "\" is no position in it.", result);
  return {};
}

std::optional<SteadyTime> SystemdReader::deadline() const {
  std::uint64_t usec = UINT64_MAX;  // by CLOCK_MONOTONIC, as SteadyTime
  if (sd_journal_get_timeout(journal_.get(), &usec) < 0 || usec > INT64_MAX / 1000)
    return std::nullopt;
  return SteadyTime(std::chrono::microseconds(usec));
}

Result<> SystemdReader::follow() {
  const int result = sd_journal_process(journal_.get());
  if (result < 0) return fail("Cannot follow the journal: " + reason(result) + ".");
  return {};
}

// A process with the right to write to /dev/kmsg appears there with any text and identifier, but
// the kernel forces a facility other than its own on it. Old journald writes none for the kernel.
bool SystemdReader::is_kernels_own() {
  const void* data = nullptr;
  std::size_t size = 0;
  if (sd_journal_get_data(journal_.get(), "SYSLOG_FACILITY", &data, &size) < 0) return true;
  return std::string_view(static_cast<const char*>(data), size) == "SYSLOG_FACILITY=0";
}

bool SystemdReader::is_journalds() {
  const void* data = nullptr;
  std::size_t size = 0;
  return sd_journal_get_data(journal_.get(), "_TRANSPORT", &data, &size) >= 0 &&
         std::string_view(static_cast<const char*>(data), size) == kDriver;
}

JournalReader::Next SystemdReader::damaged(int result) {
  log::warn_every(std::chrono::seconds(60), "journal_damaged",
                  "An entry of the journal cannot be read, and is counted as lost: " +
                      reason(result) + ". journalctl --verify tells of damaged files.");
  return Next::kDamaged;
}

JournalReader::Next SystemdReader::read_entry(JournalEntry& entry) {
  constexpr std::string_view kField = "MESSAGE=";
  std::uint64_t usec = 0;
  const void* data = nullptr;
  std::size_t size = 0;
  int result = sd_journal_get_realtime_usec(journal_.get(), &usec);
  if (result >= 0) result = sd_journal_get_data(journal_.get(), "MESSAGE", &data, &size);
  if (result >= 0 && size < kField.size()) result = -EBADMSG;
  // None at all is damage, too: libsystemd passes over a field that it cannot read.
  if (result < 0) return damaged(result == -ENOENT ? -EBADMSG : result);
  entry.time = SystemTime(std::chrono::microseconds(std::min<std::uint64_t>(usec, INT64_MAX)));
  entry.message = std::string_view(static_cast<const char*>(data), size).substr(kField.size());
  return Next::kEntry;
}

JournalReader::Next SystemdReader::next(JournalEntry& entry) {
  for (;;) {
    const int result = sd_journal_next(journal_.get());
    if (result == 0) return Next::kEnd;
    if (result < 0) {
      // The same place again and again, if we stayed.
      sd_journal_seek_realtime_usec(
          journal_.get(), static_cast<std::uint64_t>(system_now().time_since_epoch().count()));
      return damaged(result);
    }
    const bool first = !std::exchange(started_, true);
    if (first && sd_journal_test_cursor(journal_.get(), cursor_.c_str()) > 0) continue;
    if (is_journalds()) return read_entry(entry) == Next::kEntry ? Next::kMissed : Next::kDamaged;
    if (is_kernels_own()) return read_entry(entry);
  }
}

std::string SystemdReader::cursor() {
  if (started_) cursor_ = cursor_of(journal_.get()).value_or(cursor_);
  return cursor_;
}

}  // namespace

Result<std::unique_ptr<JournalReader>> open_journal(const std::string& directory,
                                                    const std::string& cursor) {
  Result<Journal> journal = open_files(directory);
  if (!journal) return fail(journal.error());
  auto reader = std::make_unique<SystemdReader>(std::move(*journal));
  if (Result<> started = reader->start(directory, cursor); !started) return fail(started.error());
  return reader;
}

}  // namespace kube_nflog

#else

namespace kube_nflog {

Result<std::unique_ptr<JournalReader>> open_journal(const std::string&, const std::string&) {
  return fail("--source=journal is not in this program: it was built without libsystemd.",
              Exit::kUnavailable);
}

}  // namespace kube_nflog

#endif
