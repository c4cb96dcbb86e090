// SPDX-License-Identifier: Apache-2.0
// TinyServer: a real HTTP/1.1 server on 127.0.0.1, with TLS if told so, that answers with the very
// bytes the test gives it, so that it can also be wrong, slow or cut short. Used by tests/k8s.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <list>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "core/unique_fd.h"
#include "tests/fakes/test_tls.h"

namespace kube_nflog {

class TinyServer {
 public:
  class Connection {
   public:
    Connection(int fd, SSL* tls) : fd_(fd), tls_(tls) {}
    // False: the client has gone.
    bool write(std::string_view bytes) const {
      while (!bytes.empty()) {
        const ssize_t n = tls_ != nullptr
                              ? SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()))
                              : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(n));
      }
      return true;
    }
    ssize_t read(std::span<char> into) const {
      return tls_ != nullptr ? SSL_read(tls_, into.data(), static_cast<int>(into.size()))
                             : ::recv(fd_, into.data(), into.size(), 0);
    }
    // Until the client closes it or the server ends.
    void wait_for_close() const {
      std::array<char, 512> ignored;
      while (read(ignored) > 0) {
      }
    }
    // Of the client's certificate; empty: it has shown none.
    std::string client_name() const {
      X509* const cert = tls_ == nullptr ? nullptr : SSL_get1_peer_certificate(tls_);
      if (cert == nullptr) return {};
      std::array<char, 256> name{};
      X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name.data(),
                                name.size());
      X509_free(cert);
      return name.data();
    }

   private:
    int fd_;
    SSL* tls_;  // null: plain
  };

  // Gets each request, head and body, on the connection's own thread. False: closes the connection.
  using Handler = std::function<bool(const Connection&, const std::string& request)>;

  explicit TinyServer(Handler handler, SslContext tls = nullptr)
      : handler_(std::move(handler)),
        tls_(std::move(tls)),
        scheme_(tls_ ? "https" : "http"),
        listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    sockaddr* const generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener_.get(), generic, size), 0);
    EXPECT_EQ(::listen(listener_.get(), 64), 0);
    EXPECT_EQ(::getsockname(listener_.get(), generic, &size), 0);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  TinyServer(const TinyServer&) = delete;
  TinyServer& operator=(const TinyServer&) = delete;
  ~TinyServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    acceptor_.join();
    for (const Served& served : served_) ::shutdown(served.fd.get(), SHUT_RDWR);
    for (Served& served : served_) served.thread.join();
  }

  std::string url() const { return scheme_ + "://127.0.0.1:" + std::to_string(port_); }
  // Of the connections to come.
  void use(SslContext tls) {
    const std::lock_guard lock(mutex_);
    tls_ = std::move(tls);
  }
  // Closes every connection.
  void hang_up() {
    const std::lock_guard lock(mutex_);
    for (const Served& served : served_) ::shutdown(served.fd.get(), SHUT_RDWR);
  }
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  std::size_t connections() const {
    const std::lock_guard lock(mutex_);
    return served_.size();
  }

  static std::string answer(int status, std::string_view body, std::string_view headers = "") {
    return "HTTP/1.1 " + std::to_string(status) + " X\r\n" + std::string(headers) +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
  }
  static std::string chunk(std::string_view bytes) {
    std::array<char, 32> size{};
    snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
    return size.data() + std::string(bytes) + "\r\n";
  }
  static constexpr std::string_view kChunked =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

 private:
  struct Served {
    UniqueFd fd;
    std::thread thread;
  };

  void accept_all() {
    for (;;) {
      UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!fd) return;
      const std::lock_guard lock(mutex_);
      Served& served = served_.emplace_back();
      const int raw = fd.get();
      served.fd = std::move(fd);
      served.thread = std::thread([this, raw, tls = tls_] { serve(raw, tls); });
    }
  }

  void serve(int fd, const SslContext& context) {
    const SslSession tls(context ? SSL_new(context.get()) : nullptr);
    if (tls) SSL_set_fd(tls.get(), fd);
    if (!tls || SSL_accept(tls.get()) == 1) converse(Connection(fd, tls.get()));
    ::shutdown(fd, SHUT_RDWR);
  }

  void converse(const Connection& connection) {
    std::string input;
    std::array<char, 4'096> buffer;
    for (;;) {
      const std::size_t length = request_length(input);
      if (length > 0) {
        const std::string request = input.substr(0, length);
        input.erase(0, length);
        {
          const std::lock_guard lock(mutex_);
          requests_.push_back(request);
        }
        if (!handler_(connection, request)) break;
        continue;
      }
      const ssize_t n = connection.read(buffer);
      if (n <= 0) break;
      input.append(buffer.data(), static_cast<std::size_t>(n));
    }
  }

  // Of the first complete request; 0: there is none yet.
  static std::size_t request_length(const std::string& input) {
    const std::size_t head = input.find("\r\n\r\n");
    if (head == std::string::npos) return 0;
    const std::size_t field = input.find("Content-Length: ");
    const std::size_t body =
        field < head ? std::strtoul(input.c_str() + field + 16, nullptr, 10) : 0;
    return input.size() >= head + 4 + body ? head + 4 + body : 0;
  }

  Handler handler_;
  SslContext tls_;  // null: plain
  const std::string scheme_;
  UniqueFd listener_;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::list<Served> served_;
  std::vector<std::string> requests_;
  std::thread acceptor_;
};

}  // namespace kube_nflog
