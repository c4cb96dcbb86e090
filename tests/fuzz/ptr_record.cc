// SPDX-License-Identifier: Apache-2.0
// Fuzz target: any DNS answer gives a host name that may be told, or none.
#include "k8s/ptr_record.h"

#include <cstdint>
#include <cstdlib>

#include "k8s/host_name.h"
#include "tests/fuzz/fit_to_print.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kube_nflog;
  const auto answer = parse_ptr_answer({data, size});
  if (!answer) return 0;
  if (answer->ttl && (answer->ttl->count() < 0 || answer->ttl->count() > 0x7fffffff)) std::abort();
  if (answer->host.empty()) return 0;
  if (!is_host_name(answer->host) || !is_fit_to_print(answer->host)) std::abort();
  if (clean_host_name(answer->host) != answer->host) std::abort();
  const ServiceName service = service_of_host(answer->host);
  if (service.empty() && is_service_host(answer->host)) std::abort();
  return 0;
}
