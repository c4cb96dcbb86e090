// SPDX-License-Identifier: Apache-2.0
#include "nflog/nflog_source.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "core/clock.h"
#include "core/log.h"
#include "nflog/privileges.h"

namespace kube_nflog {
namespace {

constexpr int kMaxDatagramsPerRead = 64;

}  // namespace

NflogSource::NflogSource(NetlinkSocket socket, const NflogOptions& options, CauseTable& causes,
                         Metrics& metrics)
    : socket_(std::move(socket)),
      binder_(options.groups, options.config, metrics),
      intake_(options.groups, causes, metrics),
      links_(intake_.interfaces(), metrics, steady_now()),
      metrics_(metrics) {}

Result<std::unique_ptr<NflogSource>> NflogSource::open(const NflogOptions& options,
                                                       CauseTable& causes, Metrics& metrics) {
  Result<NetlinkSocket> socket = NetlinkSocket::open(options.rcvbuf_bytes);
  if (!socket) return fail(socket.error());
  metrics.nflog_rcvbuf_bytes.set(socket->rcvbuf_bytes());
  std::unique_ptr<NflogSource> source(
      new NflogSource(std::move(*socket), options, causes, metrics));
  Result<> bound =
      source->binder_.start(source->socket_, source->early_, options.wait_for_group, steady_now());
  if (!bound) return fail(bound.error());
  return source;
}

std::optional<SteadyTime> NflogSource::deadline() const {
  // At once, for what was found while binding: the socket does not announce it again.
  if (!early_.empty()) return SteadyTime{};
  std::optional<SteadyTime> first;
  for (const std::optional<SteadyTime> due :
       {intake_.deadline(), binder_.deadline(), links_.deadline()}) {
    if (due && (!first || *due < *first)) first = due;
  }
  return first;
}

Result<> NflogSource::read(std::vector<Drop>& out) {
  const SteadyTime start = steady_now();
  if (Result<> bound = bind_waiting(start); !bound) return bound;
  if (links_.deadline()) links_.follow(start);
  const SystemTime now = system_now();
  for (const std::vector<std::byte>& datagram : std::exchange(early_, {})) {
    intake_.take(datagram, now, out);
  }
  for (int i = 0; i < kMaxDatagramsPerRead; ++i) {
    const Result<std::optional<Bytes>> datagram = socket_.receive();
    if (!datagram) return fail(datagram.error());
    if (!*datagram) {
      intake_.settle(steady_now());
      break;
    }
    intake_.take(**datagram, now, out);
  }
  tell_loss(intake_.publish());
  return {};
}

Result<> NflogSource::bind_waiting(SteadyTime now) {
  const Result<bool> last_one_bound = binder_.retry(socket_, early_, now);
  if (!last_one_bound) return fail(last_one_bound.error());
  return *last_one_bound ? drop_capabilities(Keep::kNothing) : Result<>();
}

void NflogSource::tell_loss(std::uint64_t lost) {
  const std::uint32_t dropped = socket_.dropped_datagrams().value_or(dropped_datagrams_);
  // Unsigned: survives the wrap-around.
  const std::uint32_t news = dropped - std::exchange(dropped_datagrams_, dropped);
  metrics_.nflog_datagrams_dropped.add(news);
  if (lost == 0 && news == 0) return;
  log::warn_every(std::chrono::seconds(60), "netlink_overrun",
                  "The kernel dropped NFLOG records because the socket buffer of " +
                      std::to_string(socket_.rcvbuf_bytes()) +
                      " bytes was full; lost_total{where=\"netlink_overrun\"} counts them. Raise "
                      "--rcvbuf-bytes, or limit the rate of the rules that log.");
}

}  // namespace kube_nflog
