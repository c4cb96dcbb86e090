// SPDX-License-Identifier: Apache-2.0
#include "k8s/credentials.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "core/ip.h"
#include "core/log.h"
#include "core/printable.h"
#include "k8s/kubeconfig.h"
#include "k8s/names.h"
#include "k8s/small_file.h"

namespace kube_nflog {

namespace {

constexpr std::chrono::seconds kMaxAge{60};  // as client-go's token_source.go
constexpr std::size_t kMaxPem = 1U << 20;
constexpr std::size_t kMaxToken = 64U << 10;
constexpr std::string_view kSpace = " \t\r\n";

constexpr std::string_view kChoices =
    " Inside a cluster run it as a Pod with a ServiceAccount; elsewhere give --kubeconfig=FILE, or "
    "--api-server=http://127.0.0.1:8001 with `kubectl proxy` running. To try it without any "
    "cluster: "
    "--sink=stdout --pods=FILE.";

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

tl::unexpected<Error> no_config(std::string what) { return fail(std::move(what), Exit::kConfig); }

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port != 0;
}

bool is_hostname(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (text.ends_with('.')) text.pop_back();
  return is_dns_subdomain(text);
}

// The credentials of the ServiceAccount, without a server. An error says which file is missing.
Result<ApiConfig> service_account(const ClusterEnv& env) {
  ApiConfig config;
  config.ca.file = env.directory + "/ca.crt";
  config.token_file = env.directory + "/token";
  config.origin = "the ServiceAccount in " + env.directory;
  for (const std::string& file : {config.token_file, config.ca.file}) {
    if (::access(file.c_str(), R_OK) == 0) continue;
    return fail(file + ": " + std::strerror(errno), Exit::kConfig, errno);
  }
  return config;
}

Result<ApiConfig> in_cluster(const ClusterEnv& env) {
  if (env.host.empty() || env.port.empty()) {
    return no_config(
        "there is no API server to talk to: KUBERNETES_SERVICE_HOST and "
        "KUBERNETES_SERVICE_PORT are not set, so this is not a Pod." +
        std::string(kChoices));
  }
  const std::optional<IpAddr> ip = IpAddr::parse(env.host);
  const std::string host = ip && ip->is_v6() ? "[" + env.host + "]" : env.host;
  if ((!ip && !is_hostname(env.host)) || !is_port(env.port)) {
    return no_config(
        "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT do not make an address. Unset what "
        "overrides them in this Pod's environment.");
  }
  Result<ApiConfig> config = service_account(env);
  if (!config) {
    return no_config("cannot read the ServiceAccount's credentials: " + config.error().what +
                     ". Set automountServiceAccountToken: true on this Pod.");
  }
  config->server = "https://" + host + ":" + env.port;
  return config;
}

// --api-server without --kubeconfig: with the ServiceAccount's credentials where there are any.
Result<ApiConfig> named_server(std::string server, const ClusterEnv& env) {
  ApiConfig config;
  if (Result<ApiConfig> account = service_account(env); account && server.starts_with("https:")) {
    config = std::move(*account);
  }
  config.server = std::move(server);
  if (config.origin.empty()) config.origin = "--api-server, without credentials";
  return config;
}

}  // namespace

ClusterEnv cluster_env() {
  return {environment("KUBERNETES_SERVICE_HOST"), environment("KUBERNETES_SERVICE_PORT")};
}

Result<ApiConfig> find_api(const std::string& api_server, const std::string& kubeconfig,
                           const ClusterEnv& env) {
  std::string server;
  if (!api_server.empty()) {
    Result<std::string> checked = check_server(api_server);
    if (!checked) {
      return no_config("--api-server=" + printable(api_server, 200) + ": " + checked.error().what +
                       ". Give https://HOST:PORT, or http://127.0.0.1:PORT for `kubectl proxy`.");
    }
    server = std::move(*checked);
  }
  if (!kubeconfig.empty()) {
    Result<ApiConfig> config = load_kubeconfig(kubeconfig);
    if (config && !server.empty()) config->server = server;
    return config;
  }
  return server.empty() ? in_cluster(env) : named_server(std::move(server), env);
}

Result<std::string> check_server(std::string_view url) {
  const bool https = url.starts_with("https://");
  if (!https && !url.starts_with("http://")) return no_config("it is not an https:// URL");
  while (url.ends_with('/')) url.remove_suffix(1);
  std::string_view rest = url.substr(std::min(url.size(), std::size_t{https ? 8U : 7U}));
  if (rest.find_first_of("@?#\\ ") != std::string_view::npos ||
      printable(url, url.size() + 3) != url) {
    return no_config("it holds more than a host, a port and a path");
  }
  rest = rest.substr(0, rest.find('/'));
  std::string_view host = rest, port = "443";
  if (rest.starts_with('[')) {
    const std::size_t close = rest.find(']');
    if (close == std::string_view::npos) return no_config("the IPv6 address lacks its ']'");
    host = rest.substr(1, close - 1);
    rest.remove_prefix(close + 1);
    if (!rest.empty() && !rest.starts_with(':')) return no_config("after ']' only a port may come");
    if (!rest.empty()) port = rest.substr(1);
  } else if (const std::size_t colon = rest.find(':'); colon != std::string_view::npos) {
    host = rest.substr(0, colon);
    port = rest.substr(colon + 1);
  }
  const std::optional<IpAddr> ip = IpAddr::parse(host);
  if (!ip && !is_hostname(std::string(host))) return no_config("it has no valid host");
  if (!is_port(port)) return no_config("its port is not a number from 1 to 65535");
  if (!https && host != "localhost" && !(ip && ip->is_loopback())) {
    return no_config("plain http would send the token in clear, so it goes only to this machine");
  }
  return std::string(url);
}

TokenSource::TokenSource(const ApiConfig& config, Metrics& metrics)
    : metrics_(metrics), file_(config.token_file), token_(config.token) {}

const std::string& TokenSource::get(SteadyTime now) {
  if (!file_.empty() && now >= next_read_) read(now);
  return token_;
}

bool TokenSource::replace(std::string_view used, SteadyTime now) {
  if (!file_.empty() && token_ == used) read(now);
  return token_ != used;
}

void TokenSource::read(SteadyTime now) {
  next_read_ = now + kMaxAge;
  const auto keep = [this](const std::string& why) {
    metrics_.credential_reload_failures[Credential::kToken].add();
    log::warn_every(std::chrono::seconds(300), "token",
                    "cannot read the token " + file_ + ": " + why + "; the old one stays in use");
  };
  const Result<std::string> text = read_small_file(file_, kMaxToken);
  if (!text) return keep(text.error().what);
  const std::size_t begin = text->find_first_not_of(kSpace);
  if (begin == std::string::npos) return keep("it is empty");
  const std::string token = text->substr(begin, text->find_last_not_of(kSpace) + 1 - begin);
  // It goes into a header: a line break inside would begin another.
  const bool good =
      std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!good) return keep("it holds characters that no token has");
  token_ = token;
}

PemSource::PemSource(const ApiConfig& config, Metrics& metrics)
    : metrics_(metrics),
      ca_(config.ca),
      client_cert_(config.client_cert),
      client_key_(config.client_key) {}

const PemTexts& PemSource::get(SteadyTime now) {
  if (now >= next_read_) read(now);
  return texts_;
}

bool PemSource::replace(std::uint64_t used, SteadyTime now) {
  if (version_ == used) read(now);
  return version_ != used;
}

void PemSource::read(SteadyTime now) {
  next_read_ = now + kMaxAge;
  PemTexts fresh{.ca = read_one(ca_, Credential::kCa),
                 .client_cert = read_one(client_cert_, Credential::kClientCert),
                 .client_key = read_one(client_key_, Credential::kClientKey)};
  if (fresh.ca.empty()) fresh.ca = texts_.ca;
  if (fresh.client_cert.empty() || fresh.client_key.empty()) {
    fresh.client_cert = texts_.client_cert;
    fresh.client_key = texts_.client_key;
  }
  if (fresh == texts_) return;
  texts_ = std::move(fresh);
  ++version_;
}

// Empty: none, or no use.
std::string PemSource::read_one(const Pem& pem, Credential which) {
  if (!pem.content.empty() || pem.file.empty()) return pem.content;
  Result<std::string> text = read_small_file(pem.file, kMaxPem);
  if (text && text->find("-----BEGIN ") != std::string::npos) return std::move(*text);
  metrics_.credential_reload_failures[which].add();
  log::warn_every(std::chrono::seconds(300), pem.file,
                  "cannot read " + pem.file + ": " +
                      (text ? "it is not a PEM file" : text.error().what) +
                      "; what it held before stays in use");
  return {};
}

}  // namespace kube_nflog
