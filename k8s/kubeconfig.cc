// SPDX-License-Identifier: Apache-2.0
#include "k8s/kubeconfig.h"

#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <exception>

#include "core/printable.h"
#include "k8s/credentials.h"
#include "k8s/small_file.h"

namespace kube_nflog {

namespace {

constexpr std::size_t kMaxFile = 1U << 20;

tl::unexpected<Error> bad(std::string what) { return fail(std::move(what), Exit::kConfig); }

// The value of a scalar member; empty where it is missing, null, or no scalar.
std::string text(const YAML::Node& map, const char* key) {
  if (!map || !map.IsMap()) return {};
  const YAML::Node value = map[key];
  return value && value.IsScalar() ? value.Scalar() : std::string();
}

YAML::Node child(const YAML::Node& map, const char* key) {
  return map && map.IsMap() ? map[key] : YAML::Node(YAML::NodeType::Undefined);
}

// The element of clusters[], contexts[] or users[] with that name, and of it the member that
// counts.
YAML::Node named(const YAML::Node& list, const std::string& name, const char* member) {
  if (list && list.IsSequence()) {
    for (const YAML::Node& element : list) {
      if (text(element, "name") == name) return child(element, member);
    }
  }
  return YAML::Node(YAML::NodeType::Undefined);
}

std::string beside(const std::string& kubeconfig, std::string file) {
  const std::size_t slash = kubeconfig.rfind('/');
  if (file.empty() || file.front() == '/' || slash == std::string::npos) return file;
  return kubeconfig.substr(0, slash + 1) + file;
}

// `key` names a file, `key`-data holds the content in base64 and wins.
Result<Pem> read_pem(const YAML::Node& map, const std::string& key, const std::string& path) {
  Pem pem;
  pem.file = beside(path, text(map, key.c_str()));
  const std::string data = text(map, (key + "-data").c_str());
  if (data.empty()) return pem;
  Result<std::string> content = decode_base64(data);
  if (!content) return bad(key + "-data: " + content.error().what);
  pem.content = std::move(*content);
  return pem;
}

Result<> read_cluster(const YAML::Node& cluster, const std::string& path, ApiConfig& config) {
  const Result<std::string> server = check_server(text(cluster, "server"));
  if (!server) return bad("its server: " + server.error().what);
  config.server = *server;
  Result<Pem> ca = read_pem(cluster, "certificate-authority", path);
  if (!ca) return fail(ca.error());
  config.ca = std::move(*ca);
  config.tls_server_name = text(cluster, "tls-server-name");
  config.proxy = text(cluster, "proxy-url");
  // As client-go; another scheme would be a proxy that no request ever gets through.
  constexpr std::array kProxies{"http://", "https://", "socks5://"};
  const bool is_proxy =
      std::any_of(kProxies.begin(), kProxies.end(),
                  [&config](const char* scheme) { return config.proxy.starts_with(scheme); });
  if (!config.proxy.empty() && !is_proxy) {
    return bad("its proxy-url is not an http, https or socks5 URL");
  }
  config.insecure_skip_tls_verify = text(cluster, "insecure-skip-tls-verify") == "true";
  config.disable_compression = text(cluster, "disable-compression") == "true";
  return {};
}

Result<> read_user(const YAML::Node& user, const std::string& path, ApiConfig& config) {
  for (const char* way : {"exec", "auth-provider", "username"}) {
    if (child(user, way)) {
      return bad("its user authenticates by `" + std::string(way) +
                 "`, which an agent cannot do: it runs no other programs and keeps no passwords");
    }
  }
  Result<Pem> cert = read_pem(user, "client-certificate", path);
  if (!cert) return fail(cert.error());
  Result<Pem> key = read_pem(user, "client-key", path);
  if (!key) return fail(key.error());
  if (cert->empty() != key->empty()) {
    return bad("its user has a client-certificate without a client-key, or the reverse");
  }
  config.client_cert = std::move(*cert);
  config.client_key = std::move(*key);
  config.token = text(user, "token");
  config.token_file = beside(path, text(user, "tokenFile"));
  return {};
}

Result<ApiConfig> read_current_context(const YAML::Node& root, const std::string& path) {
  const std::string current = text(root, "current-context");
  if (current.empty()) return bad("it has no current-context");
  const YAML::Node context = named(child(root, "contexts"), current, "context");
  if (!context) return bad("it has no context named " + printable(current, 100));
  const YAML::Node cluster = named(child(root, "clusters"), text(context, "cluster"), "cluster");
  if (!cluster) return bad("its current context names no cluster that is there");

  ApiConfig config;
  config.origin = "kubeconfig " + path;
  if (const Result<> read = read_cluster(cluster, path, config); !read) return fail(read.error());
  const std::string user_name = text(context, "user");
  if (user_name.empty()) return config;  // without credentials, as with `kubectl proxy`
  const YAML::Node user = named(child(root, "users"), user_name, "user");
  if (!user) return bad("its current context names no user that is there");
  if (const Result<> read = read_user(user, path, config); !read) return fail(read.error());
  return config;
}

// "FILE: WHY" of the first that is not there for us; empty: all are.
std::string unreadable_file(const ApiConfig& config) {
  for (const std::string& file :
       {config.ca.file, config.client_cert.file, config.client_key.file, config.token_file}) {
    if (!file.empty() && ::access(file.c_str(), R_OK) != 0) {
      return file + ": " + std::strerror(errno);
    }
  }
  return {};
}

}  // namespace

Result<ApiConfig> parse_kubeconfig(std::string_view text, const std::string& path) {
  Result<ApiConfig> config;
  try {  // yaml-cpp throws; nothing else here does
    config = read_current_context(YAML::Load(std::string(text)), path);
  } catch (const std::exception& error) {
    config = bad("it is not YAML: " + printable(error.what(), 200));
  }
  if (config) return config;
  return bad("the kubeconfig " + path + " is no use: " + config.error().what +
             ". Print a complete one with `kubectl config view --raw --minify --flatten`, or give "
             "--api-server=http://127.0.0.1:8001 with `kubectl proxy` running.");
}

Result<ApiConfig> load_kubeconfig(const std::string& path) {
  const Result<std::string> text = read_small_file(path, kMaxFile);
  if (!text) {
    return bad("cannot read the kubeconfig " + path + ": " + text.error().what +
               ". Give --kubeconfig the path of a readable file.");
  }
  Result<ApiConfig> config = parse_kubeconfig(*text, path);
  if (!config) return config;
  const std::string unreadable = unreadable_file(*config);
  if (!unreadable.empty()) {
    return bad("the kubeconfig " + path + " names a file that cannot be read: " + unreadable +
               ". Correct the path, or let this user read it.");
  }
  return config;
}

Result<std::string> decode_base64(std::string_view text) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  std::uint32_t bits = 0;
  std::size_t digits = 0, padding = 0;
  for (const char c : text) {
    if (c == '\n' || c == '\r' || c == ' ') continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    const std::size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos || padding > 0) return bad("it is not base64");
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    if (++digits % 4 != 1) out.push_back(static_cast<char>(bits >> (6 - 2 * ((digits - 1) % 4))));
  }
  if (digits % 4 == 1 || (digits + padding) % 4 != 0 || padding > 2) return bad("it is not base64");
  return out;
}

}  // namespace kube_nflog
