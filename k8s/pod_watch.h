// SPDX-License-Identifier: Apache-2.0
// PodWatch: keeps the PodIndex like the API server's Pods, by list and watch as client-go's
// Reflector does. Driven by deliver on the deliver thread; only synced() is for any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/backoff.h"
#include "core/clock.h"
#include "core/metrics.h"
#include "k8s/http.h"
#include "k8s/pod_feed.h"
#include "k8s/pod_index.h"
#include "k8s/pod_json.h"
#include "k8s/pod_list.h"

namespace kube_nflog {

struct PodWatchOptions {
  std::string node_name{};  // only this node's Pods; empty: the whole cluster's
  std::string label_key{};  // of --peer-name=label:KEY, else empty
  BackoffLimits backoff{};
  // Without a byte for so long, the connection is taken for dead. A list may take the server its
  // whole minute; a watch has a bookmark about every minute, if any Pod has changed since the
  // server started (lastProcessedResourceVersion in apiserver's cache_watcher.go).
  std::chrono::seconds list_silence{75};
  std::chrono::seconds watch_silence{170};
  // Of a watch. A longer Pod is left out: etcd's 1.5 MiB may be six times that as JSON, which has
  // \u003c for each <. What is four times as long is no Pod.
  std::size_t max_line = 4U << 20;
  std::function<SystemTime()> wall = system_now;  // for the metric alone
};

class PodWatch final : public PodFeed {
 public:
  // Everything must outlive this. `clock` and `dice` (uniform in [0, 1)) are called on the same
  // thread.
  PodWatch(Http& http, PodIndex& index, Metrics& metrics, PodWatchOptions options,
           std::function<SteadyTime()> clock, std::function<double()> dice);
  ~PodWatch() override;
  PodWatch(const PodWatch&) = delete;
  PodWatch& operator=(const PodWatch&) = delete;

  // Does what is due: the first list at once, a retry, a new connection for a dead one. A roll-out
  // starts agents one by one, and a node's list costs the server no more than its Pods (the cache
  // has an index by node), so waiting would only delay the first Event. What brings a whole fleet
  // back in one instant, an API server that went away, is spread by the backoff's jitter.
  void tick(SteadyTime now) override;
  SteadyTime next_due() const override;

  // The first list is complete: an address not in the index is not a Pod of this scope. Any thread.
  bool synced() const override { return synced_.load(std::memory_order_relaxed); }

 private:
  enum class Step : std::uint8_t { kList, kWatch };
  // What the watch's own reader found wrong with it.
  enum class Fault : std::uint8_t { kNone, kExpired, kServer, kDamaged };

  void hear();
  void list(const std::string& continue_token);
  void list_done(const HttpResponse& response);
  void list_complete(const ListMeta& meta);
  void watch();
  bool watch_data(std::string_view piece);
  bool watch_line(std::string_view text);
  bool take(std::string_view part);
  void watch_done(const HttpResponse& response);
  void stalled();
  // After a failure: `next` when the backoff, and what the server asked for, are over.
  void retry(Step next, const HttpResponse& response);
  void complain(std::string_view verb, const HttpResponse& response) const;
  std::string path(std::string_view parameters) const;

  Http& http_;
  PodIndex& index_;
  Metrics& metrics_;
  const PodWatchOptions options_;
  const std::function<SteadyTime()> clock_;
  const std::function<double()> dice_;

  Step step_ = Step::kList;  // under way, or to begin when due
  Http::Id request_ = 0;     // under way; 0: waiting for due_
  SteadyTime due_{};
  SteadyTime began_{}, heard_{};      // the request under way
  std::chrono::seconds asked_for_{};  // of the watch under way: when the server is to end it
  unsigned attempt_ = 0;
  unsigned internal_errors_ = 0;  // 500 for a watch of version_, in a row

  std::string version_;  // the last resourceVersion seen; empty: none that the server still knows
  bool whole_list_ = false;  // its pages expired under us: ask for it in one
  bool paging_ = false;
  std::optional<PodListReader> reader_;
  Result<> read_;  // what reader_ said

  std::string line_;          // the beginning of one
  std::size_t left_out_ = 0;  // bytes of one that is too long
  Fault fault_ = Fault::kNone;
  bool answered_ = false;     // the watch's head is there
  bool heard_event_ = false;  // ...and an event or a bookmark
  bool troubled_ = false;     // since the last success: to say when it is over
  std::atomic<bool> synced_{false};
};

}  // namespace kube_nflog
