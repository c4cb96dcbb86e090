// SPDX-License-Identifier: Apache-2.0
#include "k8s/stdout_sink.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "k8s/text_format.h"

namespace kube_nflog {

StdoutSink::StdoutSink(int fd, StdoutFormat format, EventAuthor author, Metrics& metrics)
    : fd_(fd),
      format_(format),
      author_(std::move(author)),
      metrics_(metrics),
      header_due_(format == StdoutFormat::kText) {}

Result<> StdoutSink::write(EventWrite write, Done done) {
  std::string text = std::exchange(header_due_, false) ? text_header() : std::string();
  text += format_ == StdoutFormat::kText ? text_row(*write.subject, write.record)
                                         : event_body(*write.subject, write.record, author_) + '\n';
  if (Result<> result = put(text); !result) return result;
  const ApiVerb verb = write.record.exists ? ApiVerb::kPatch : ApiVerb::kCreate;
  metrics_.events_written.at(verb, ApiCode::k2xx).add();
  write.record.exists = true;
  done(std::move(write), {});
  return {};
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
