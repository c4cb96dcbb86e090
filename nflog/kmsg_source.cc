// SPDX-License-Identifier: Apache-2.0
#include "nflog/kmsg_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "core/log.h"
#include "nflog/kmsg_record.h"

namespace kube_nflog {
namespace {

constexpr const char* kDevice = "/dev/kmsg";
constexpr int kMaxRecordsPerRead = 4096;
constexpr int kMaxRecordsInLog = 1 << 20;  // more than the largest ring has

std::string boot_id() {
  std::string id;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), id);
  return id;
}

// The records there may be skipped over, or damaged, but reading goes on: the next one's number
// tells that they are missing.
bool goes_on(int error) {
  return error == EPIPE      // overwritten before it was read
         || error == EINVAL  // longer than our buffer
         || error == EINTR;
}

Result<UniqueFd> open_device() {
  UniqueFd device(::open(kDevice, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  const int error = errno;
  const std::string what = std::string("Cannot read the kernel log, ") + kDevice + ": ";
  if (!device && (error == EPERM || error == EACCES)) {
    return fail(what + std::strerror(error) +
                    ". Where kernel.dmesg_restrict is 1, as on most nodes, this needs CAP_SYSLOG; "
                    "and in a container access to the device, which privileged: true gives.",
                Exit::kNoPermission, error);
  }
  const std::string mount = " In a container, mount the node's own (a hostPath volume).";
  if (!device) return fail(what + std::strerror(error) + "." + mount, Exit::kUnavailable, error);
  // Some container runtimes put /dev/null or the console in its place, which would tell nothing.
  struct stat status {};
  if (::fstat(device.get(), &status) != 0 || !S_ISCHR(status.st_mode) ||
      status.st_rdev != makedev(1, 11)) {
    return fail(what + "that is something else by this name." + mount, Exit::kUnavailable);
  }
  return device;
}

// Reads on to the end: only so can its number be known. None: there is no record.
std::uint64_t find_end(int device) {
  std::array<char, 8192> buffer;
  std::uint64_t end = 0;
  for (int i = 0; i < kMaxRecordsInLog; ++i) {
    const ssize_t got = ::read(device, buffer.data(), buffer.size());
    if (got < 0 && goes_on(errno)) continue;
    if (got <= 0) break;
    const auto record = read_kmsg_record(std::span(buffer).first(static_cast<std::size_t>(got)));
    if (record) end = record->sequence + 1;
  }
  return end;
}

}  // namespace

Result<std::unique_ptr<KmsgSource>> KmsgSource::open(const LogIntakeOptions& options,
                                                     const LogStart& start, CauseTable& causes,
                                                     Metrics& metrics) {
  Result<UniqueFd> device = open_device();
  if (!device) return fail(device.error());
  const SystemTime now = system_now();
  const std::uint64_t end = find_end(device->get());
  std::string id = boot_id();
  const KmsgStart from = kmsg_start(start.position, id, end);
  if (from.next != end && ::lseek(device->get(), 0, SEEK_SET) != 0) {
    return fail(std::string("Cannot go back to the start of ") + kDevice + ": " +
                    std::strerror(errno) + ".",
                Exit::kUnavailable, errno);
  }
  log::info(std::string("Reading the kernel log, ") + kDevice + ", from " + from.from +
            start.hint());
  return std::make_unique<KmsgSource>(std::move(*device), std::move(id),
                                      Start{.next = from.next,
                                            .not_before = from.next == end ? now : SystemTime(),
                                            .resumed = from.resumed},
                                      options, causes, metrics);
}

KmsgSource::KmsgSource(UniqueFd device, std::string boot_id, const Start& start,
                       const LogIntakeOptions& options, CauseTable& causes, Metrics& metrics)
    : device_(std::move(device)),
      boot_id_(std::move(boot_id)),
      next_(start.next),
      not_before_(start.not_before),
      resumed_(start.resumed),
      intake_(options, causes, metrics),
      metrics_(metrics) {}

Result<> KmsgSource::read(std::vector<Drop>& out) {
  const ReadTime at{.now = system_now(), .uptime = steady_now()};
  Result<> result;
  for (int i = 0; i < kMaxRecordsPerRead; ++i) {
    const ssize_t got = ::read(device_.get(), buffer_.data(), buffer_.size());
    if (got > 0) {
      take(std::span(buffer_).first(static_cast<std::size_t>(got)), at, out);
      continue;
    }
    if (got < 0 && goes_on(errno)) continue;
    if (got < 0 && errno == EAGAIN) {
      not_before_ = at.now;
    } else {
      const std::string why = got == 0 ? "it has ended" : std::strerror(errno);
      result = fail(std::string("Cannot read on in ") + kDevice + ": " + why + ".");
    }
    break;
  }
  count_lost();
  intake_.publish();
  return result;
}

void KmsgSource::take(std::span<char> bytes, const ReadTime& at, std::vector<Drop>& out) {
  const std::optional<KmsgRecord> record = read_kmsg_record(bytes);
  if (!record) return;                   // missing in the numbers
  if (record->sequence < next_) return;  // read by an earlier process
  lost_ += record->sequence - next_;
  next_ = record->sequence + 1;
  if (!record->of_kernel) return;
  // printk's clock drifts from the wall's, by seconds a day, and stands still in suspend. But what
  // was not there when we had last read all is younger than that.
  const auto age = std::chrono::duration_cast<std::chrono::microseconds>(
      at.uptime.time_since_epoch() - record->uptime);
  intake_.take(record->message, std::max(at.now - age, not_before_), at, out);
}

void KmsgSource::count_lost() {
  if (lost_ == 0) return;
  metrics_.lost[Where::kKmsgOverrun].add(lost_);
  log::warn_every(std::chrono::seconds(60), "kmsg_overrun",
                  std::to_string(lost_) +
                      " records of the kernel log were overwritten before they could be read, of "
                      "dropped packets or of anything else: let rules log less (-m limit), or boot "
                      "with a larger log_buf_len.");
  lost_ = 0;
}

}  // namespace kube_nflog
