// SPDX-License-Identifier: Apache-2.0
// kubeconfig: the file that kubectl reads, as far as an agent needs it. Used by credentials; the
// one user of yaml-cpp.
#pragma once

#include <string>
#include <string_view>

#include "core/error.h"
#include "k8s/api_config.h"

namespace kube_nflog {

// The current context. `path` is for messages and for what the file names relative to itself.
// Errors are for the operator, Exit::kConfig.
Result<ApiConfig> parse_kubeconfig(std::string_view text, const std::string& path);
Result<ApiConfig> load_kubeconfig(const std::string& path);

// Standard base64, padded; line breaks are ignored.
Result<std::string> decode_base64(std::string_view text);

}  // namespace kube_nflog
