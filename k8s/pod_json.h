// SPDX-License-Identifier: Apache-2.0
// pod_json: Kubernetes JSON -> struct Pod, by SAX: of a Pod's 10 KB about 5 % are kept. Used by
// pod_list (lists), pod_watch (watch lines, refusals) and service_lookup. All pure; the input is
// hostile: nothing here can over-read, recurse, or let through a name that does not belong into a
// URL path or a message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.h"
#include "k8s/pod.h"

namespace kube_nflog {

// metav1.Status: how the API server refuses. All empty when the body is something else, as it often
// is (a proxy's HTML, priority-and-fairness's plain text).
struct ApiStatus {
  int code = 0;
  std::string reason{};   // "Expired", "Forbidden", …
  std::string message{};  // for people; printable, at most 512 bytes
};

// `label_key` is the label to keep in Pod::label; empty: none. An error: not valid JSON, not a Pod,
// or a Pod without a valid name, namespace or uid (DNS-1123, as the API server enforces).
Result<Pod> parse_pod(std::string_view json, std::string_view label_key);

enum class WatchType : std::uint8_t { kAdded, kModified, kDeleted, kBookmark, kError };

struct WatchLine {
  WatchType type = WatchType::kError;
  Result<Pod> pod;               // of kAdded, kModified, kDeleted; an error: skip this one
  std::string resource_version;  // of all but kError
  ApiStatus status;              // of kError
};

// Of a Service, what service_lookup needs.
struct Service {
  std::string ns, name, cluster_ip;  // "None" of a headless one, "" of an ExternalName
};
// An error: not valid JSON, or a Service without a valid name or namespace (DNS-1123 label, as the
// API server enforces).
Result<Service> parse_service(std::string_view json);

// One line of a watch stream. An error: the stream is damaged.
Result<WatchLine> parse_watch_line(std::string_view json, std::string_view label_key);

// What stands around the items of a list.
struct ListMeta {
  std::string kind;              // "PodList", or "List" as kubectl writes it
  std::string resource_version;  // opaque; may be empty
  std::string continue_token;    // opaque; empty: the list is complete
};
Result<ListMeta> parse_list_meta(std::string_view json);

// What a refusal says: its message, else the first line of the body, made printable.
ApiStatus parse_status(std::string_view body);

}  // namespace kube_nflog
