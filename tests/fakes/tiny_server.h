// SPDX-License-Identifier: Apache-2.0
// TinyServer: a real HTTP/1.1 server on 127.0.0.1 that answers with the very bytes the test gives
// it, so that it can also be wrong, slow or cut short. Used by tests/k8s/http_client_test.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <cstdlib>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "core/unique_fd.h"

namespace kube_nflog {

class TinyServer {
 public:
  class Connection {
   public:
    explicit Connection(int fd) : fd_(fd) {}
    // False: the client has gone.
    bool write(std::string_view bytes) const {
      while (!bytes.empty()) {
        const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(n));
      }
      return true;
    }
    // Until the client closes it or the server ends.
    void wait_for_close() const {
      char c;
      while (::recv(fd_, &c, 1, 0) > 0) {
      }
    }

   private:
    int fd_;
  };

  // Gets each request, head and body, on the connection's own thread. False: closes the connection.
  using Handler = std::function<bool(const Connection&, const std::string& request)>;

  explicit TinyServer(Handler handler)
      : handler_(std::move(handler)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
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

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
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
      served.thread = std::thread([this, raw] { serve(raw); });
    }
  }

  void serve(int fd) {
    const Connection connection(fd);
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
      const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
      if (n <= 0) break;
      input.append(buffer.data(), static_cast<std::size_t>(n));
    }
    ::shutdown(fd, SHUT_RDWR);
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
  UniqueFd listener_;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::list<Served> served_;
  std::vector<std::string> requests_;
  std::thread acceptor_;
};

}  // namespace kube_nflog
