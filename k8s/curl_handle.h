// SPDX-License-Identifier: Apache-2.0
// One request as libcurl sees it: owners of its handles, and the options that never change. Used by
// http_client alone, which with curl_handle.cc is all that knows libcurl.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "core/clock.h"
#include "core/error.h"
#include "k8s/api_config.h"
#include "k8s/credentials.h"
#include "k8s/http_client.h"

struct curl_slist;  // libcurl's; its handles are void*

namespace kube_nflog {

struct CurlEasyDelete {
  void operator()(void* easy) const;
};
struct CurlListDelete {
  void operator()(curl_slist* list) const;
};
using CurlEasy = std::unique_ptr<void, CurlEasyDelete>;
using CurlList = std::unique_ptr<curl_slist, CurlListDelete>;

// What every request to this server has in common.
struct CurlTarget {
  ApiConfig config;
  HttpClientOptions options;
  std::string base_url;  // config.server, with the TLS server name for a host where there is one
  CurlList connect_to;   // and where that really is
};
Result<CurlTarget> curl_target(ApiConfig config, HttpClientOptions options);

// A handle with everything set but the callbacks. `target`, `request` and the result of
// curl_headers() must outlive it. Null when out of memory.
CurlEasy curl_easy(const CurlTarget& target, const HttpRequest& request, const PemTexts& pems);
CurlList curl_headers(const HttpRequest& request, const std::string& token);

// How long it took; 0 for no handle.
std::chrono::milliseconds curl_time(void* easy);

// The Date header of a complete answer; nothing: it has none that can be read.
std::optional<SystemTime> curl_date(void* easy);

// Why no answer came (a CURLcode), with the cause an operator can do something about.
std::string curl_failure(const CurlTarget& target, int code, const char* details);

}  // namespace kube_nflog
