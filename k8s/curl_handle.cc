// SPDX-License-Identifier: Apache-2.0
#include "k8s/curl_handle.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <utility>

#include "core/printable.h"

namespace kube_nflog {

namespace {

#if defined(__aarch64__)
constexpr const char* kUserAgent = "kube-nflog/" KUBE_NFLOG_VERSION " (linux/arm64)";
#else
constexpr const char* kUserAgent = "kube-nflog/" KUBE_NFLOG_VERSION " (linux/amd64)";
#endif

// A dead peer is noticed within about 30 s, whether we are sending (user time-out) or silent
// (keep-alive). Without, a watch hangs for the kernel's 13 to 30 minutes (client-go#374).
constexpr int kKeepIdle = 15, kKeepInterval = 5, kKeepCount = 3;  // seconds, seconds, probes
constexpr unsigned kUserTimeout = 30'000;                         // ms

int on_socket(void*, curl_socket_t fd, curlsocktype) {
  const auto set = [fd](int level, int name, const auto& value) {
    setsockopt(fd, level, name, &value,
               sizeof value);  // an old kernel's refusal costs nothing else
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, kKeepIdle);
  set(IPPROTO_TCP, TCP_KEEPINTVL, kKeepInterval);
  set(IPPROTO_TCP, TCP_KEEPCNT, kKeepCount);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, kUserTimeout);
  return CURL_SOCKOPT_OK;
}

// Without the text, the path: so that libcurl says that it is no use, instead of doing without.
void set_pem(CURL* easy, const std::string& text, const Pem& pem, CURLoption file,
             CURLoption blob) {
  if (!text.empty()) {
    curl_blob content{const_cast<char*>(text.data()), text.size(), CURL_BLOB_COPY};
    curl_easy_setopt(easy, blob, &content);
  } else if (!pem.file.empty()) {
    curl_easy_setopt(easy, file, pem.file.c_str());
  }
}

void set_tls(CURL* easy, const ApiConfig& config, const PemTexts& pems) {
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set_pem(easy, pems.ca, config.ca, CURLOPT_CAINFO, CURLOPT_CAINFO_BLOB);
  set_pem(easy, pems.client_cert, config.client_cert, CURLOPT_SSLCERT, CURLOPT_SSLCERT_BLOB);
  set_pem(easy, pems.client_key, config.client_key, CURLOPT_SSLKEY, CURLOPT_SSLKEY_BLOB);
  if (config.insecure_skip_tls_verify) {
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
  }
}

void set_method(CURL* easy, const HttpRequest& request) {
  const bool writes = request.verb == ApiVerb::kCreate || request.verb == ApiVerb::kPatch;
  if (writes) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());
  }
  if (request.verb == ApiVerb::kPatch) curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "PATCH");
}

std::string url_part(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return {};
  std::string result(text);
  curl_free(text);
  return result;
}

struct CurlUrlDelete {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

}  // namespace

void CurlEasyDelete::operator()(void* easy) const { curl_easy_cleanup(easy); }
void CurlListDelete::operator()(curl_slist* list) const { curl_slist_free_all(list); }

Result<CurlTarget> curl_target(ApiConfig config, HttpClientOptions options) {
  CurlTarget target{std::move(config), options, {}, {}};
  target.base_url = target.config.server;
  if (target.config.tls_server_name.empty()) return target;
  const std::unique_ptr<CURLU, CurlUrlDelete> url(curl_url());
  if (curl_url_set(url.get(), CURLUPART_URL, target.base_url.c_str(), 0) != CURLUE_OK) {
    return fail("the API server's URL " + printable(target.base_url, 200) + " is not valid",
                Exit::kConfig);
  }
  const std::string real =
      "::" + url_part(url.get(), CURLUPART_HOST) + ":" + url_part(url.get(), CURLUPART_PORT);
  if (curl_url_set(url.get(), CURLUPART_HOST, target.config.tls_server_name.c_str(), 0) !=
      CURLUE_OK) {
    return fail("the tls-server-name " + printable(target.config.tls_server_name, 200) +
                    " is not a host name",
                Exit::kConfig);
  }
  target.base_url = url_part(url.get(), CURLUPART_URL);
  while (target.base_url.ends_with('/')) target.base_url.pop_back();
  target.connect_to.reset(curl_slist_append(nullptr, real.c_str()));
  return target;
}

CurlEasy curl_easy(const CurlTarget& target, const HttpRequest& request, const PemTexts& pems) {
  CurlEasy handle(curl_easy_init());
  CURL* const easy = handle.get();
  if (easy == nullptr) return nullptr;
  curl_easy_setopt(easy, CURLOPT_URL, (target.base_url + request.path).c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR,
                   target.base_url.starts_with("https:") ? "https" : "http");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  // An agent named curl gets its JSON pretty-printed, half as much again.
  curl_easy_setopt(easy, CURLOPT_USERAGENT, kUserAgent);
  // Neither the environment's proxy, which would get the token, nor its exceptions from ours.
  curl_easy_setopt(easy, CURLOPT_PROXY, target.config.proxy.c_str());
  curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  // Else a transfer that ends while its name is looked up waits for getaddrinfo, a minute maybe.
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  // No CURLOPT_PIPEWAIT: to an HTTP/1.1 server, a request would wait behind the watch for ever
  // (7.88).
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(target.options.connect_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
  if (target.connect_to) curl_easy_setopt(easy, CURLOPT_CONNECT_TO, target.connect_to.get());
  set_tls(easy, target.config, pems);
  set_method(easy, request);
  // The server compresses lists over 128 KiB, and never a watch.
  if (request.verb == ApiVerb::kList && !target.config.disable_compression) {
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
  }
  return handle;
}

CurlList curl_headers(const HttpRequest& request, const std::string& token) {
  CurlList headers;
  const auto add = [&headers](const std::string& line) {
    curl_slist* const longer = curl_slist_append(headers.get(), line.c_str());
    if (longer == nullptr) return;  // out of memory: the server will say what is missing
    static_cast<void>(headers.release());
    headers.reset(longer);
  };
  add("Accept: application/json");
  if (!token.empty()) add("Authorization: Bearer " + token);
  if (!request.content_type.empty()) add("Content-Type: " + request.content_type);
  return headers;
}

std::chrono::milliseconds curl_time(void* easy) {
  curl_off_t us = 0;
  if (easy != nullptr) curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &us);
  return std::chrono::ceil<std::chrono::milliseconds>(std::chrono::microseconds(us));
}

std::optional<SystemTime> curl_date(void* easy) {
  curl_header* date = nullptr;
  if (curl_easy_header(easy, "Date", 0, CURLH_HEADER, -1, &date) != CURLHE_OK) return std::nullopt;
  const std::time_t seconds = curl_getdate(date->value, nullptr);
  if (seconds < 0) return std::nullopt;
  return SystemTime(std::chrono::seconds(seconds));
}

std::string curl_failure(const CurlTarget& target, int code, const char* details) {
  const auto hint = [&target, code]() -> std::string {
    const std::string& ca = target.config.ca.file;
    switch (code) {
      case CURLE_COULDNT_CONNECT:
        return "nothing answers there: is the API server up, and is this the right address?";
      case CURLE_COULDNT_RESOLVE_HOST:
        return "DNS does not know that name";
      case CURLE_OPERATION_TIMEDOUT:
        return "it did not answer in time";
      case CURLE_PEER_FAILED_VERIFICATION:
        return "its certificate is not trusted for that address: check the CA" +
               (ca.empty() ? std::string() : " in " + ca) + " and the server's name";
      case CURLE_SSL_CACERT_BADFILE:
        return "the CA file " + ca + " cannot be used";
      case CURLE_SSL_CERTPROBLEM:
        return "the client certificate or its key cannot be used";
      case CURLE_SSL_CONNECT_ERROR:
        return "TLS failed: is it an https port that speaks TLS 1.2, and is the CA the one that "
               "signed its certificate?";
      default:
        return {};
    }
  }();
  std::string text = target.config.server + ": ";
  text +=
      printable(*details != '\0' ? details : curl_easy_strerror(static_cast<CURLcode>(code)), 300);
  if (!hint.empty()) text += " (" + hint + ")";
  return text;
}

}  // namespace kube_nflog

// Debian's libcurl brings GnuTLS along, for RTMP and LDAP, which we never speak. This is how a
// program tells it not to start itself (GNUTLS_SKIP_GLOBAL_INIT of its manual): a megabyte less.
extern "C" int _gnutls_global_init_skip() { return 1; }  // NOLINT(bugprone-reserved-identifier)
