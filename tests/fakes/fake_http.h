// SPDX-License-Identifier: Apache-2.0
// FakeHttp: an API server that says only what the test tells it to. Keeps the promises of
// k8s/http.h: one `done` per request unless cancelled, no callback from inside send() or stream().
// Used by tests/k8s.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include "k8s/http.h"

namespace kube_nflog {

class FakeHttp : public Http {
 public:
  struct Call {
    HttpRequest request;
    Data data;  // null: send()
    Done done;
    enum class State { kOpen, kDone, kCancelled } state = State::kOpen;
  };

  Id send(HttpRequest request, Done done) override {
    return add({std::move(request), {}, std::move(done)});
  }
  Id stream(HttpRequest request, Data data, Done done) override {
    return add({std::move(request), std::move(data), std::move(done)});
  }
  void cancel(Id id) override {
    if (id == 0 || id > calls_.size()) return;
    Call& call = calls_[id - 1];
    if (call.state == Call::State::kOpen) call.state = Call::State::kCancelled;
  }

  // What was asked so far, oldest first; calls stay here after their answer.
  std::size_t size() const { return calls_.size(); }
  const Call& call(std::size_t index) const { return calls_.at(index); }
  const HttpRequest& request(std::size_t index) const { return calls_.at(index).request; }
  const HttpRequest& last() const { return calls_.back().request; }
  std::size_t open() const {
    std::size_t n = 0;
    for (const Call& call : calls_) n += call.state == Call::State::kOpen;
    return n;
  }

  // Answers the oldest open request; `index` answers that one. A 2xx body of a stream goes to
  // `data`, as from the real client.
  void answer(HttpResponse response) { answer(oldest_open(), std::move(response)); }
  void answer(std::size_t index, HttpResponse response) {
    if (is_open(index) && calls_[index].data && response.status / 100 == 2 &&
        response.error.empty()) {
      feed(index, std::exchange(response.body, {}));
    }
    finish(index, std::move(response));
  }
  void answer(long status, std::string body) {
    answer(HttpResponse{.status = status, .body = std::move(body)});
  }
  void fail(std::string error) { answer(HttpResponse{.error = std::move(error)}); }

  // One piece of a stream's body. When the reader says "enough", the stream ends as the real one
  // would.
  void feed(std::size_t index, std::string_view piece) {
    ASSERT_TRUE(is_open(index) && calls_[index].data) << "no open stream at " << index;
    const Data data = calls_[index].data;  // the callback may add calls
    if (!data(piece)) finish(index, HttpResponse{.status = 200});
  }
  void feed(std::string_view piece) { feed(oldest_open(), piece); }

 private:
  Id add(Call call) {
    calls_.push_back(std::move(call));
    return calls_.size();
  }
  bool is_open(std::size_t index) const {
    return index < calls_.size() && calls_[index].state == Call::State::kOpen;
  }
  std::size_t oldest_open() const {
    std::size_t i = 0;
    while (i < calls_.size() && !is_open(i)) ++i;
    return i;
  }
  void finish(std::size_t index, HttpResponse response) {
    if (index < calls_.size() && calls_[index].state != Call::State::kOpen)
      return;  // ended or cancelled meanwhile
    ASSERT_TRUE(is_open(index)) << "nothing is being asked";
    calls_[index].state = Call::State::kDone;
    const Done done = std::move(calls_[index].done);
    done(std::move(response));
  }

  std::deque<Call> calls_;  // never moves its elements
};

}  // namespace kube_nflog
