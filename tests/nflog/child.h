// SPDX-License-Identifier: Apache-2.0
// A test body in a child process, for what cannot be taken back: capabilities given up.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <functional>

namespace kube_nflog::test {

// Runs `body` in a child, so that what it gives up is given up there alone; true: it returned true.
inline bool in_child(const std::function<bool()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body() ? 0 : 1);
  int status = -1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace kube_nflog::test
