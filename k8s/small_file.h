// SPDX-License-Identifier: Apache-2.0
// Reads a small file whole: tokens, kubeconfigs. Used by credentials and kubeconfig.
#pragma once

#include <cstddef>
#include <string>

#include "core/error.h"

namespace kube_nflog {

// The path is opened anew each time: the kubelet swaps a symbolic link. The error is strerror's
// text, with its errno; EFBIG past `limit` bytes.
Result<std::string> read_small_file(const std::string& path, std::size_t limit);

}  // namespace kube_nflog
