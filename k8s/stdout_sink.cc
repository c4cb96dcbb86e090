// SPDX-License-Identifier: Apache-2.0
#include "k8s/stdout_sink.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
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

Result<> StdoutSink::put(std::string_view text) const {
  while (!text.empty()) {
    const ssize_t n = ::write(fd_, text.data(), text.size());
    if (n >= 0) {
      text.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {  // somebody made the pipe or the terminal non-blocking
      pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
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
