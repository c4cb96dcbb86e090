// SPDX-License-Identifier: Apache-2.0
// What reverse DNS says a host is called, checked before anybody reads it: whoever owns an address
// chooses its PTR record. Used by ptr_record, reverse_dns and describe. All pure.
#pragma once

#include <string>
#include <string_view>

#include "core/ip.h"
#include "k8s/owner.h"

namespace kube_nflog {

// Letters, digits, dashes and underscores in labels of at most 63 bytes, two labels at least, 253
// bytes in all, no dot at the end; and the last label is not a number: an address is no name.
bool is_host_name(std::string_view text);

// As DNS has it to as we tell it: small letters, without the dot at the end. Empty: not a name that
// may be told.
std::string clean_host_name(std::string_view text);

// Of NAME.NAMESPACE.svc.DOMAIN, and of an endpoint's name below it, that Service; else none.
ServiceName service_of_host(std::string_view host);
// Whether it is the Service's own name, not an endpoint's.
bool is_service_host(std::string_view host);

// A cluster's own names belong to private addresses. The owner of any other address could give it
// the name of a Service of yours.
bool is_believable(std::string_view host, const IpAddr& ip);

}  // namespace kube_nflog
