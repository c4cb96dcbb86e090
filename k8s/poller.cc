// SPDX-License-Identifier: Apache-2.0
#include "k8s/poller.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

namespace kube_nflog {

EventfdPoller::EventfdPoller() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void EventfdPoller::poll(std::chrono::milliseconds max_wait) {
  pollfd ready{.fd = fd_.get(), .events = POLLIN, .revents = 0};
  const auto wait = std::clamp<std::chrono::milliseconds::rep>(max_wait.count(), 0, 60'000);
  if (::poll(&ready, 1, static_cast<int>(wait)) == 1) {
    std::uint64_t wakes = 0;
    [[maybe_unused]] const ssize_t n = ::read(fd_.get(), &wakes, sizeof wakes);
  }
}

void EventfdPoller::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(fd_.get(), &one, sizeof one);
}

}  // namespace kube_nflog
