// SPDX-License-Identifier: Apache-2.0
#include "k8s/reverse_dns.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/log.h"
#include "k8s/host_name.h"
#include "k8s/ptr_record.h"

namespace kube_nflog {
namespace {

using Answered = LookupCache::Answered;

struct ChannelDelete {
  void operator()(ares_channel channel) const { ares_destroy(channel); }
};
using Channel = std::unique_ptr<ares_channeldata, ChannelDelete>;

bool is_silence(int status) { return status == ARES_ETIMEOUT || status == ARES_ECONNREFUSED; }

}  // namespace

class ReverseDns::Resolver {
 public:
  Resolver(Channel channel, ReverseDnsOptions options)
      : options_(std::move(options)), channel_(std::move(channel)) {}

  void ask(const IpAddr& ip, Answered answered) {
    if (in_flight_ >= options_.in_flight) return answered({LookupResult::kOverBudget});
    ++in_flight_;
    auto question = std::make_unique<Question>(Question{*this, ip, std::move(answered)});
    ares_query(channel_.get(), reverse_name(ip).c_str(), ns_c_in, ns_t_ptr, on_answer,
               question.release());
  }

  void prepare(std::vector<pollfd>& fds, std::chrono::milliseconds& max_wait) {
    std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
    const auto bits =
        static_cast<unsigned>(ares_getsock(channel_.get(), sockets.data(), ARES_GETSOCK_MAXNUM));
    for (unsigned i = 0; i < sockets.size(); ++i) {
      const int events = (ARES_GETSOCK_READABLE(bits, i) != 0 ? POLLIN : 0) |
                         (ARES_GETSOCK_WRITABLE(bits, i) != 0 ? POLLOUT : 0);
      if (events != 0) fds.push_back({sockets[i], static_cast<short>(events), 0});
    }
    timeval next{};
    if (ares_timeout(channel_.get(), nullptr, &next) == nullptr) return;
    const std::chrono::milliseconds due =
        std::chrono::seconds(next.tv_sec) + std::chrono::milliseconds(next.tv_usec / 1'000 + 1);
    max_wait = std::min(max_wait, due);
  }

  void process(std::span<const pollfd> fds) {
    for (const pollfd& fd : fds) {
      const bool readable = (fd.revents & (POLLIN | POLLERR | POLLHUP)) != 0;
      const bool writable = (fd.revents & POLLOUT) != 0;
      ares_process_fd(channel_.get(), readable ? fd.fd : ARES_SOCKET_BAD,
                      writable ? fd.fd : ARES_SOCKET_BAD);
    }
    ares_process_fd(channel_.get(), ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // what is overdue
  }

 private:
  struct Question {
    Resolver& resolver;
    IpAddr ip;
    Answered answered;
  };

  // c-ares' callback: from ares_query(), ares_process_fd() or ares_destroy().
  static void on_answer(void* user, int status, int, unsigned char* bytes, int size) {
    const std::unique_ptr<Question> question(static_cast<Question*>(user));
    if (status == ARES_EDESTRUCTION) return;
    --question->resolver.in_flight_;
    const std::span<const std::uint8_t> message(bytes, bytes ? static_cast<std::size_t>(size) : 0);
    question->answered(question->resolver.understand(question->ip, status, message));
  }

  LookupAnswer understand(const IpAddr& ip, int status, std::span<const std::uint8_t> message) {
    if (is_silence(status)) return no_answer();
    silent_ = 0;
    if (status != ARES_SUCCESS && status != ARES_ENOTFOUND && status != ARES_ENODATA) {
      return {LookupResult::kError, {}, options_.error_ttl};
    }
    std::optional<PtrAnswer> answer = parse_ptr_answer(message);
    if (!answer) return {LookupResult::kError, {}, options_.error_ttl};
    if (answer->host.empty() || !is_believable(answer->host, ip)) {
      return {LookupResult::kNotFound,
              {},
              std::clamp(answer->ttl.value_or(options_.not_found_least), options_.not_found_least,
                         options_.not_found_most)};
    }
    Owner owner;
    if (is_service_host(answer->host)) {
      owner.service = service_of_host(answer->host);
    } else {
      owner.host = std::move(answer->host);
    }
    return {LookupResult::kFound, std::move(owner),
            std::clamp(answer->ttl.value_or(options_.found_least), options_.found_least,
                       options_.found_most)};
  }

  LookupAnswer no_answer() {
    LookupAnswer answer{LookupResult::kError, {}, options_.error_ttl};
    if (++silent_ < options_.silent) return answer;
    answer.pause = options_.silent_pause;
    log::warn_every(std::chrono::seconds(600), "reverse dns",
                    "the DNS server does not answer: Events have addresses instead of DNS names. "
                    "Check the Pod's dnsPolicy and /etc/resolv.conf, or set --reverse-dns=false.");
    return answer;
  }

  ReverseDnsOptions options_;
  std::size_t in_flight_ = 0;
  unsigned silent_ = 0;
  Channel channel_;  // goes first: that ends the questions
};

Result<std::unique_ptr<ReverseDns>> ReverseDns::create(Metrics& metrics,
                                                       ReverseDnsOptions options) {
  ares_options settings{};
  settings.timeout = static_cast<int>(options.timeout.count());
  settings.tries = 2;
  ares_channel made = nullptr;
  if (const int status = ares_init_options(&made, &settings, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
      status != ARES_SUCCESS) {
    return fail(std::string("reverse DNS cannot start: ") + ares_strerror(status) +
                ". Check /etc/resolv.conf, or set --reverse-dns=false.");
  }
  Channel channel(made);
  if (!options.server.empty() &&
      ares_set_servers_ports_csv(made, options.server.c_str()) != ARES_SUCCESS) {
    return fail("--dns-server: \"" + options.server + "\" is not ADDRESS[:PORT].", Exit::kUsage);
  }
  const LookupLimits limits = options.limits;
  return std::unique_ptr<ReverseDns>(new ReverseDns(
      metrics, limits, std::make_unique<Resolver>(std::move(channel), std::move(options))));
}

ReverseDns::ReverseDns(Metrics& metrics, const LookupLimits& limits,
                       std::unique_ptr<Resolver> resolver)
    : LookupCache(limits, metrics.dns_lookups,
                  [asked = resolver.get()](const IpAddr& ip, SteadyTime, Answered answered) {
                    asked->ask(ip, std::move(answered));
                  }),
      resolver_(std::move(resolver)) {}

ReverseDns::~ReverseDns() = default;

void ReverseDns::prepare(std::vector<pollfd>& fds, std::chrono::milliseconds& max_wait) {
  resolver_->prepare(fds, max_wait);
}
void ReverseDns::process(std::span<const pollfd> fds) { resolver_->process(fds); }

}  // namespace kube_nflog
