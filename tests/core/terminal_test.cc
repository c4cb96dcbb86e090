// SPDX-License-Identifier: Apache-2.0
#include "core/terminal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>

#include <cstdlib>

#include "core/unique_fd.h"

namespace kube_nflog {
namespace {

// A pseudo-terminal of so many columns; the side that programs write to.
class Pseudoterminal {
 public:
  explicit Pseudoterminal(unsigned short columns) : master_(::posix_openpt(O_RDWR | O_NOCTTY)) {
    EXPECT_EQ(::grantpt(master_.get()), 0);
    EXPECT_EQ(::unlockpt(master_.get()), 0);
    side_ = UniqueFd(::open(::ptsname(master_.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
    winsize size{};
    size.ws_col = columns;
    size.ws_row = 25;
    EXPECT_EQ(::ioctl(side_.get(), TIOCSWINSZ, &size), 0);
  }
  int fd() const { return side_.get(); }

 private:
  UniqueFd master_, side_;
};

TEST(Terminal, AFileIsNone) {
  const UniqueFd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  const Terminal terminal = terminal_of(null.get());
  EXPECT_FALSE(terminal.is_terminal);
  EXPECT_FALSE(terminal.colour);
  EXPECT_EQ(terminal.columns, 0u);
}

TEST(Terminal, HasColumnsAndColourUnlessToldOtherwise) {
  const Pseudoterminal terminal(77);
  ::setenv("TERM", "xterm", 1);
  ::unsetenv("NO_COLOR");
  EXPECT_TRUE(terminal_of(terminal.fd()).is_terminal);
  EXPECT_TRUE(terminal_of(terminal.fd()).colour);
  EXPECT_EQ(terminal_of(terminal.fd()).columns, 77u);
  EXPECT_EQ(terminal_of(terminal.fd()).rows, 25u);
  ::setenv("NO_COLOR", "", 1);  // no-color.org: only when it is not empty
  EXPECT_TRUE(terminal_of(terminal.fd()).colour);
  ::setenv("NO_COLOR", "1", 1);
  EXPECT_FALSE(terminal_of(terminal.fd()).colour);
  ::unsetenv("NO_COLOR");
  ::setenv("TERM", "dumb", 1);
  EXPECT_FALSE(terminal_of(terminal.fd()).colour);
  EXPECT_TRUE(terminal_of(terminal.fd()).is_terminal);
}

}  // namespace
}  // namespace kube_nflog
