// SPDX-License-Identifier: Apache-2.0
#include "k8s/probe_server.h"

#include <civetweb.h>

#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "core/ip.h"
#include "core/printable.h"

namespace kube_nflog {

namespace {

bool is_address(std::string_view listen) {
  const std::size_t colon = listen.rfind(':');
  if (colon == std::string_view::npos) return false;
  std::string_view host = listen.substr(0, colon);
  const std::string_view port = listen.substr(colon + 1);
  const bool bracketed = host.starts_with('[') && host.ends_with(']') && host.size() > 2;
  if (bracketed) host = host.substr(1, host.size() - 2);
  const std::optional<IpAddr> ip = IpAddr::parse(host);
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  return ip && ip->is_v6() == bracketed && error == std::errc{} && end == port.data() + port.size();
}

struct Answer {
  int status;
  const char* type;
  std::string body;
};

// Prometheus asks for OpenMetrics first where it knows it; the first of both that is named is
// taken.
Metrics::Format format_for(std::string_view accept) {
  const bool open = accept.find("application/openmetrics-text") < accept.find("text/plain");
  return open ? Metrics::Format::kOpenMetrics : Metrics::Format::kText;
}

Answer answer(const ProbeSources& sources, std::string_view path, std::string_view accept) {
  constexpr const char* kText = "text/plain; charset=utf-8";
  const auto check = [](const std::function<std::string()>& ask) -> Answer {
    const std::string wrong = ask ? ask() : std::string();
    return wrong.empty() ? Answer{200, kText, "ok\n"} : Answer{503, kText, wrong + "\n"};
  };
  if (path == "/metrics") {
    const Metrics::Format format = format_for(accept);
    return {200,
            format == Metrics::Format::kText
                ? "text/plain; version=0.0.4; charset=utf-8"
                : "application/openmetrics-text; version=1.0.0; charset=utf-8",
            sources.metrics(format)};
  }
  if (path == "/livez" || path == "/healthz") return check(sources.not_live);
  if (path == "/readyz") return check(sources.not_ready);
  return {404, kText, "try /metrics, /livez or /readyz\n"};
}

}  // namespace

struct ProbeServer::Impl {
  ProbeSources sources;
  std::string trouble;  // what civetweb says while it starts
  bool started = false;
  std::string host;  // that it listens on
  mg_context* server = nullptr;

  static int on_request(mg_connection* connection) {
    const mg_request_info& request = *mg_get_request_info(connection);
    const auto& self = *static_cast<const Impl*>(request.user_data);
    const std::string_view method = request.request_method;
    const std::string_view path = request.local_uri == nullptr ? "" : request.local_uri;
    const char* const accept = mg_get_header(connection, "Accept");
    const Answer told = method == "GET" || method == "HEAD"
                            ? answer(self.sources, path, accept == nullptr ? "" : accept)
                            : Answer{405, "text/plain; charset=utf-8", "GET only\n"};
    mg_printf(connection,
              "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
              "Cache-Control: no-store\r\nConnection: close\r\n\r\n",
              told.status, mg_get_response_code_text(connection, told.status), told.type,
              told.body.size());
    if (method != "HEAD") mg_write(connection, told.body.data(), told.body.size());
    return told.status;  // not 0: answered
  }
  static int on_log(const mg_connection* connection, const char* message) {
    auto& self = *static_cast<Impl*>(mg_get_user_data(mg_get_context(connection)));
    if (!self.started) self.trouble += std::string(self.trouble.empty() ? "" : "; ") + message;
    return 1;  // not to its log file
  }
};

Result<std::unique_ptr<ProbeServer>> ProbeServer::start(const std::string& listen,
                                                        ProbeSources sources) {
  if (!is_address(listen)) {
    return fail("--listen=" + printable(listen, 100) +
                    " is not an address to listen on. Give ADDR:PORT, such as 127.0.0.1:9478, or "
                    "[::1]:9478.",
                Exit::kUsage);
  }
  auto impl = std::make_unique<Impl>();
  impl->sources = std::move(sources);
  impl->host = listen.substr(0, listen.rfind(':'));
  // One worker: every answer is made from atomics in microseconds, and a client that does not take
  // its answer is cut off after half a second. So a few of them do not keep probes out for the five
  // seconds that deploy/ gives the kubelet, and whoever tries costs one thread and no more. Many,
  // or ones that come again and again, do: that is a firewall's to prevent.
  std::array<const char*, 13> options{"listening_ports",
                                      listen.c_str(),
                                      "num_threads",
                                      "1",
                                      "request_timeout_ms",
                                      "500",
                                      "enable_keep_alive",
                                      "no",
                                      "connection_queue",
                                      "16",
                                      "max_request_size",
                                      "4096",
                                      nullptr};
  mg_callbacks callbacks{};
  callbacks.begin_request = &Impl::on_request;
  callbacks.log_message = &Impl::on_log;
  mg_init_data init{&callbacks, impl.get(), options.data()};
  std::array<char, 256> text{};
  mg_error_data error{nullptr, text.data(), text.size()};
  static const unsigned features = mg_init_library(0);
  static_cast<void>(features);
  impl->server = mg_start2(&init, &error);
  if (impl->server == nullptr) {
    const std::string why = impl->trouble.empty() ? text.data() : impl->trouble;
    return fail("cannot listen on " + listen + ": " + printable(why, 300) +
                    ". Another process may have that port: choose one with --listen=ADDR:PORT, or "
                    "--listen= for none.",
                Exit::kUnavailable);
  }
  impl->started = true;
  return std::unique_ptr<ProbeServer>(new ProbeServer(std::move(impl)));
}

ProbeServer::ProbeServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

// civetweb's acceptor looks for its end every two seconds only, or when somebody connects; and
// mg_stop() waits for it.
ProbeServer::~ProbeServer() {
  const int port = this->port();
  std::atomic<bool> stopped{false};
  std::thread stopping([this, &stopped] {
    mg_stop(impl_->server);
    stopped = true;
  });
  while (!stopped) {
    std::array<char, 256> ignored{};
    mg_connection* const knock =
        mg_connect_client(impl_->host.c_str(), port, 0, ignored.data(), ignored.size());
    if (knock != nullptr) mg_close_connection(knock);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  stopping.join();
}

int ProbeServer::port() const {
  mg_server_port port{};
  return mg_get_server_ports(impl_->server, 1, &port) == 1 ? port.port : 0;
}

}  // namespace kube_nflog
