// SPDX-License-Identifier: Apache-2.0
#include "k8s/small_file.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>

#include "core/unique_fd.h"

namespace kube_nflog {

Result<std::string> read_small_file(const std::string& path, std::size_t limit) {
  const auto failed = [](int error) { return fail(std::strerror(error), Exit::kFailure, error); };
  // O_NONBLOCK: a FIFO by mistake must not hold the thread.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return failed(errno);
  std::string text(limit + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t n = ::read(fd.get(), text.data() + size, text.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed(errno);
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
  }
  if (size > limit) return failed(EFBIG);
  text.resize(size);
  return text;
}

}  // namespace kube_nflog
