// SPDX-License-Identifier: Apache-2.0
// FakeEventServer: the Events half of an API server, in memory, with all that can go wrong on the
// way: answers that get lost (after the write was done, or before), refusals, overload, expiry,
// other writers. Used by tests/k8s for what a real server does not do on demand.
#pragma once

#include <gtest/gtest.h>
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cstdint>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <utility>

#include "k8s/http.h"

namespace kube_nflog {

class FakeEventServer : public Http {
 public:
  // Chances, each in [0, 1).
  struct Trouble {
    double lost_request = 0;  // never arrived
    double lost_answer = 0;   // done, but we do not hear of it
    double overloaded = 0;    // 429 or 503
    double refused = 0;       // 422
    double expired = 0;       // the Event is gone before the request arrives
    double other_writer = 0;  // somebody else counts one more before the request arrives
  };

  explicit FakeEventServer(std::uint32_t seed) : random_(seed) {}

  Id send(HttpRequest request, Done done) override {
    open_.emplace_back(std::move(request), std::move(done));
    return ++last_id_;
  }
  Id stream(HttpRequest, Data, Done) override { return ADD_FAILURE() << "no streams here", 0; }
  void cancel(Id) override { ADD_FAILURE() << "nobody cancels writes"; }

  std::size_t open() const { return open_.size(); }
  // Answers one open request, any one.
  void answer_one() {
    const auto pick = open_.begin() + static_cast<std::ptrdiff_t>(random_() % open_.size());
    auto [request, done] = std::move(*pick);
    open_.erase(pick);
    done(answer(request));
  }

  // The client has died: what it asked is done or not, nobody hears of it.
  void hang_up() {
    for (const auto& [request, done] : std::exchange(open_, {})) answer(request);
  }

  // Packets in all Events, gone ones included; those that the other writer counted.
  std::uint64_t packets() const {
    std::uint64_t sum = expired_packets;
    for (const auto& [path, event] : events) sum += event.count;
    return sum;
  }

  struct Event {
    std::uint64_t count = 0, version = 0;
    std::string tally, facts, message;
  };
  std::map<std::string, Event> events;  // by path
  std::uint64_t expired_packets = 0;
  std::uint64_t others_packets = 0;
  std::uint64_t writes = 0;
  Trouble trouble;

 private:
  bool happens(double chance) { return std::uniform_real_distribution<>(0, 1)(random_) < chance; }

  HttpResponse answer(const HttpRequest& request) {
    if (happens(trouble.lost_request)) return {.status = 0, .error = "connection reset"};
    if (happens(trouble.overloaded)) return {.status = random_() % 2 ? 429 : 503, .body = "busy"};
    const bool is_write = request.verb != ApiVerb::kGet;
    if (is_write && happens(trouble.refused)) return {.status = 422, .body = "no"};
    HttpResponse response = serve(request);
    if (happens(trouble.lost_answer)) return {.status = 0, .error = "timed out"};
    return response;
  }

  HttpResponse serve(const HttpRequest& request) {
    rapidjson::Document body;
    body.Parse(request.body.c_str());
    std::string path = request.path;
    if (request.verb == ApiVerb::kCreate)
      path += std::string("/") + body["metadata"]["name"].GetString();
    auto it = events.find(path);
    if (it != events.end()) disturb(it);
    const bool exists = it != events.end();
    if (request.verb == ApiVerb::kGet) {
      return exists ? HttpResponse{.status = 200, .body = render(it->second)}
                    : HttpResponse{.status = 404};
    }
    if (request.verb == ApiVerb::kCreate && exists) return {.status = 409};
    if (request.verb == ApiVerb::kPatch) {
      if (!exists) return {.status = 404};
      const auto& metadata = body["metadata"];
      if (metadata.HasMember("resourceVersion") &&
          metadata["resourceVersion"].GetString() != std::to_string(it->second.version)) {
        return {.status = 409};
      }
    }
    Event& event = events[path];
    event.count = body["count"].GetUint64();
    event.tally = body["metadata"]["annotations"]["kube-nflog/tally"].GetString();
    if (body.HasMember("message")) event.message = body["message"].GetString();
    if (const auto& annotations = body["metadata"]["annotations"];
        annotations.HasMember("kube-nflog/drop"))
      event.facts = annotations["kube-nflog/drop"].GetString();
    ++event.version;
    ++writes;
    return {.status = request.verb == ApiVerb::kCreate ? 201 : 200, .body = render(event)};
  }

  void disturb(std::map<std::string, Event>::iterator& it) {
    if (happens(trouble.expired)) {
      expired_packets += it->second.count;
      events.erase(it);
      it = events.end();
    } else if (happens(trouble.other_writer)) {
      ++it->second.count;
      ++it->second.version;
      it->second.tally = "other.1 1";
      ++others_packets;
    }
  }

  static std::string render(const Event& event) {
    rapidjson::StringBuffer facts;
    rapidjson::Writer<rapidjson::StringBuffer>(facts).String(event.facts.c_str());
    return R"({"kind":"Event","metadata":{"resourceVersion":")" + std::to_string(event.version) +
           R"(","annotations":{"kube-nflog/tally":")" + event.tally + R"(","kube-nflog/drop":)" +
           facts.GetString() + R"(}},"count":)" + std::to_string(event.count) + "}";
  }

  std::mt19937 random_;
  std::deque<std::pair<HttpRequest, Done>> open_;
  Id last_id_ = 0;
};

}  // namespace kube_nflog
