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
  std::vector<pollfd> fds{{.fd = fd_.get(), .events = POLLIN, .revents = 0}};
  if (guest_ != nullptr) guest_->prepare(fds, max_wait);
  const auto wait = std::clamp<std::chrono::milliseconds::rep>(max_wait.count(), 0, 60'000);
  if (::poll(fds.data(), fds.size(), static_cast<int>(wait)) < 0) {
    for (pollfd& fd : fds) fd.revents = 0;
  }
  if (fds.front().revents != 0) {
    std::uint64_t wakes = 0;
    [[maybe_unused]] const ssize_t n = ::read(fd_.get(), &wakes, sizeof wakes);
  }
  if (guest_ != nullptr) guest_->process(std::span(fds).subspan(1));
}

void EventfdPoller::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(fd_.get(), &one, sizeof one);
}

}  // namespace kube_nflog
