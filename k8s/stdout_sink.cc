// SPDX-License-Identifier: Apache-2.0
#include "k8s/stdout_sink.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <string_view>
#include <utility>

#include "core/log.h"
#include "core/terminal.h"
#include "k8s/text_format.h"

namespace kube_nflog {

StdoutSink::StdoutSink(int fd, StdoutFormat format, EventAuthor author, Metrics& metrics)
    : fd_(fd),
      format_(format),
      author_(std::move(author)),
      metrics_(metrics),
      header_due_(format == StdoutFormat::kText) {}

Result<> StdoutSink::write(EventWrite write, Done done) {
  if (Result<> result = put(shown(*write.subject, write.record)); !result) return result;
  const ApiVerb verb = write.record.exists ? ApiVerb::kPatch : ApiVerb::kCreate;
  metrics_.events_written.at(verb, ApiCode::k2xx).add();
  write.record.exists = true;
  write.record.unsure = false;
  done(std::move(write), {});
  return {};
}

std::string StdoutSink::shown(const EventSubject& subject, const EventRecord& record) {
  if (format_ == StdoutFormat::kJson) return event_body(subject, record, author_) + '\n';
  const Terminal terminal = terminal_of(fd_);  // it may have been resized
  if (terminal.is_terminal && terminal.columns > 0 && terminal.rows > 0) {
    return live_.show(subject, record,
                      {.columns = terminal.columns,
                       .rows = terminal.rows,
                       .colour = terminal.colour,
                       .lines_of_others = log::lines()});
  }
  const std::string header = std::exchange(header_due_, false) ? text_header() : std::string();
  return header + text_row(subject, record);
}

// False: it is given up. Signals do not end a wait on this thread, so it looks up from time to
// time.
bool StdoutSink::wait_for_room() const {
  constexpr std::chrono::milliseconds kStep{100};
  std::chrono::milliseconds hurried{0};
  pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
  while (::poll(&ready, 1, static_cast<int>(kStep.count())) == 0) {
    if (hurry_.load(std::memory_order_relaxed)) hurried += kStep;
    if (hurried >= kPatience) return false;
  }
  return true;
}

Result<> StdoutSink::put(std::string_view text) const {
  while (!text.empty()) {
    if (!wait_for_room())
      return fail("Nobody reads our standard output: what is still to be told is given up.",
                  Exit::kFailure);
    // A pipe that has room takes so many without blocking (pipe(7)).
    const ssize_t n = ::write(fd_, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
    if (n >= 0) {
      text.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno != EINTR && errno != EAGAIN) {
      const int code = errno;
      return fail(std::string("Cannot write to standard output: ") + std::strerror(code) +
                      (code == EPIPE ? ". Whoever read our Events has gone."
                                     : ". Events can no longer be told; is the disk full?"),
                  Exit::kFailure, code);
    }
  }
  return {};
}

}  // namespace kube_nflog
