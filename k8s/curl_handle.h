// SPDX-License-Identifier: Apache-2.0
// One request as libcurl sees it: owners of its handles, and the options that never change. Used by
// http_client alone, which with curl_handle.cc is all that knows libcurl.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>

#include "core/error.h"
#include "k8s/api_config.h"
#include "k8s/http_client.h"

namespace kube_nflog {

template <auto Free>
struct CurlDelete {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
using CurlEasy = std::unique_ptr<CURL, CurlDelete<curl_easy_cleanup>>;
using CurlMulti = std::unique_ptr<CURLM, CurlDelete<curl_multi_cleanup>>;
using CurlList = std::unique_ptr<curl_slist, CurlDelete<curl_slist_free_all>>;

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
CurlEasy curl_easy(const CurlTarget& target, const HttpRequest& request);
CurlList curl_headers(const HttpRequest& request, const std::string& token);

// Why no answer came, with the cause an operator can do something about.
std::string curl_failure(const CurlTarget& target, CURLcode code, const char* details);

}  // namespace kube_nflog
