// SPDX-License-Identifier: Apache-2.0
// Fuzz target: whatever an API server says, a Pod that is read has names fit for paths and
// messages.
#include "k8s/pod_json.h"

#include <cstdint>
#include <cstdlib>

#include "k8s/names.h"

namespace {

using namespace kube_nflog;

void check(bool holds) {
  if (!holds) std::abort();
}

void check_pod(const Pod& pod) {
  check(is_dns_label(pod.ns) && is_dns_subdomain(pod.name) && is_uid(pod.event_uid()));
  check(pod.node_name.empty() || is_dns_subdomain(pod.node_name));
  check(pod.owner_name.empty() || is_dns_subdomain(pod.owner_name));
  check(pod.label.empty() || is_label_value(pod.label));
  check(pod.ips.size() <= 16 && pod.host_ips.size() <= 16);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const Result<Pod> pod = parse_pod(text, "team")) check_pod(*pod);
  if (const Result<WatchLine> line = parse_watch_line(text, "team")) {
    check(line->type == WatchType::kError || !line->resource_version.empty());
    if (line->type < WatchType::kBookmark && line->pod) check_pod(*line->pod);
  }
  if (const Result<ListMeta> meta = parse_list_meta(text)) {
    check(meta->resource_version.size() <= 256);
  }
  if (const Result<Service> service = parse_service(text)) {
    check(is_dns_label(service->ns) && is_dns_label(service->name));
  }
  check(parse_status(text).message.size() <= 512);
  return 0;
}
