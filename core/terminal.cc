// SPDX-License-Identifier: Apache-2.0
#include "core/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace kube_nflog {
namespace {

bool is_set(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

bool is_dumb() {
  const char* const term = std::getenv("TERM");
  return term == nullptr || std::string_view(term) == "dumb" || *term == '\0';
}

}  // namespace

Terminal terminal_of(int fd) {
  Terminal terminal{.is_terminal = ::isatty(fd) == 1};
  if (!terminal.is_terminal) return terminal;
  terminal.colour = !is_set("NO_COLOR") && !is_dumb();
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) == 0) {
    terminal.columns = size.ws_col;
    terminal.rows = size.ws_row;
  }
  return terminal;
}

}  // namespace kube_nflog
