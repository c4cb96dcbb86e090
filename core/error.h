// SPDX-License-Identifier: Apache-2.0
// Result: how everything here fails. Errors are values; only main() ends the process.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace kube_nflog {

// Exit codes of the process, from sysexits.h, so that scripts can tell the failures apart.
enum class Exit : int {
  kOk = 0,
  kFailure = 1,
  kUsage = 64,        // a flag or its value
  kNoInput = 66,      // a file that cannot be read
  kUnavailable = 69,  // the kernel or the API server lacks or refuses what is needed
  kBusy = 75,         // another process holds the NFLOG group
  kNoPermission = 77,
  kConfig = 78,  // credentials, kubeconfig, in-cluster environment
};

// `what` is one paragraph for the person who reads it: what failed, why, what to do next.
struct Error {
  std::string what;
  Exit exit = Exit::kFailure;
  int code = 0;  // errno where there is one, else 0
};

template <class T = void>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

inline tl::unexpected<Error> fail(std::string what, Exit exit = Exit::kFailure, int code = 0) {
  return tl::unexpected<Error>(Error{std::move(what), exit, code});
}
inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

}  // namespace kube_nflog
