// SPDX-License-Identifier: Apache-2.0
// Fuzz target: any kubeconfig is read or refused, and one that is read names a server we may talk
// to.
#include "k8s/kubeconfig.h"

#include <cstdint>
#include <cstdlib>

#include "k8s/credentials.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kube_nflog;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<ApiConfig> config = parse_kubeconfig(text, "/etc/kubeconfig");
  if (config && !check_server(config->server)) std::abort();
  static_cast<void>(decode_base64(text));
  return 0;
}
