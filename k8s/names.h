// SPDX-License-Identifier: Apache-2.0
// What the API server lets pass as a name, uid or label value, and how text is put into a URL. Used
// by pod_json, pod_watch and pod_lookup. All pure.
#pragma once

#include <string>
#include <string_view>

namespace kube_nflog {

bool is_dns_label(std::string_view text);      // RFC 1123, <= 63: namespaces
bool is_dns_subdomain(std::string_view text);  // RFC 1123, <= 253: names of Pods, nodes and owners
bool is_label_value(std::string_view text);    // [A-Za-z0-9._-], <= 63, not empty
bool is_uid(std::string_view text);            // letters, digits and dashes, <= 128, not empty

// RFC 3986: everything but unreserved characters as %XX.
std::string percent_encode(std::string_view text);

}  // namespace kube_nflog
