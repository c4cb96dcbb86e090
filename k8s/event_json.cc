// SPDX-License-Identifier: Apache-2.0
#include "k8s/event_json.h"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "core/printable.h"
#include "k8s/describe.h"
#include "k8s/event_key.h"
#include "k8s/rfc3339.h"

namespace kube_nflog {
namespace {

// The machine-readable facts; "v" is the version of their schema.
constexpr std::string_view kDropAnnotation = "kube-nflog/drop";
// "<stamp> <packets>": see EventRecord.
constexpr std::string_view kTallyAnnotation = "kube-nflog/tally";
// In it, of a shared Event.
constexpr std::string_view kPeers = "peers", kPeersAtLeast = "peersAtLeast";
constexpr std::size_t kMaxReportingInstance = 128;  // kubernetes pkg/apis/core/validation/events.go
constexpr std::size_t kMaxAnswer = 1U << 20;

// A thin hand on RapidJSON's writer, which wants pointers and lengths.
class Json {
 public:
  void open() { writer_.StartObject(); }
  void open(std::string_view key) { name(key), open(); }
  void close() { writer_.EndObject(); }
  void add(std::string_view key, std::string_view value) { name(key), text(value); }
  void add(std::string_view key, std::uint64_t value) { name(key), writer_.Uint64(value); }
  void add_if_known(std::string_view key, std::string_view value) {
    if (!value.empty()) add(key, value);
  }
  std::string take() { return {buffer_.GetString(), buffer_.GetSize()}; }

 private:
  void name(std::string_view key) {
    writer_.Key(key.data(), static_cast<rapidjson::SizeType>(key.size()));
  }
  void text(std::string_view value) {
    writer_.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
  }
  rapidjson::StringBuffer buffer_;
  rapidjson::Writer<rapidjson::StringBuffer> writer_{buffer_};
};

void add_pod(Json& json, std::string_view key, const PodRef& pod) {
  json.open(key);
  json.add("apiVersion", "v1");
  json.add("kind", "Pod");
  json.add("namespace", pod.ns);
  json.add("name", pod.name);
  json.add("uid", pod.uid);
  json.close();
}

std::string drop_facts(const EventSubject& subject, const EventRecord& record) {
  Json json;
  json.open();
  json.add("v", 1);
  json.add("direction", subject.direction == Direction::kReceiving ? "receiving" : "sending");
  json.add("peerIP", subject.peer_ip);
  json.add_if_known("peerName", subject.peer_name);
  if (const PeerCount peers = record.all_peers(); subject.shared) {  // peerIP is one of them
    json.add(peers.complete ? kPeers : kPeersAtLeast, peers.addresses);
  }
  json.add_if_known("protocol", subject.protocol);
  if (subject.port) json.add("port", *subject.port);
  json.add_if_known("icmp", subject.icmp);
  json.add_if_known("service", subject.service_name);
  json.add_if_known("serviceAddress", subject.service_address);
  json.add_if_known("cause", subject.cause);
  if (subject.interfaces) {
    json.add_if_known("in", subject.interfaces->in.view());
    json.add_if_known("out", subject.interfaces->out.view());
  }
  json.close();
  return json.take();
}

std::string tally(const EventRecord& record) {
  return record.stamp + ' ' + std::to_string(record.total);
}

// The API's count is an int32.
std::uint64_t api_count(const EventRecord& record) {
  return std::min<std::uint64_t>(record.count(), std::numeric_limits<std::int32_t>::max());
}

using Value = rapidjson::Value;

// Iterative: a deeply nested body must not use up the stack.
bool parse(rapidjson::Document& document, std::string_view body) {
  constexpr unsigned kFlags =
      rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;
  if (body.size() > kMaxAnswer) return false;
  document.Parse<kFlags>(body.data(), body.size());
  return !document.HasParseError() && document.IsObject();
}

const Value* member(const Value* object, std::string_view key) {
  if (!object || !object->IsObject()) return nullptr;
  const Value name(rapidjson::StringRef(key.data(), static_cast<rapidjson::SizeType>(key.size())));
  const auto it = object->FindMember(name);
  return it == object->MemberEnd() ? nullptr : &it->value;
}

std::string_view text_member(const Value* object, std::string_view key) {
  const Value* value = member(object, key);
  if (!value || !value->IsString()) return {};
  return {value->GetString(), value->GetStringLength()};
}

// What stamps and resourceVersions are made of. RapidJSON lets a lone surrogate through where it is
// escaped, so what it reads is not even UTF-8 for certain.
bool is_plain(std::string_view text) {
  constexpr std::size_t kLongest = 256;
  return text.size() <= kLongest &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

void read_tally(std::string_view text, StoredEvent& out) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos || !is_plain(text.substr(0, space))) return;
  const std::string_view number = text.substr(space + 1);
  const char* const end = number.data() + number.size();
  const auto [stopped, error] = std::from_chars(number.data(), end, out.stamped);
  if (error == std::errc() && stopped == end) {
    out.stamp = text.substr(0, space);
  } else {
    out.stamped = 0;
  }
}

std::uint32_t read_peers(std::string_view facts) {
  rapidjson::Document document;
  if (!parse(document, facts)) return 0;
  const Value* peers = member(&document, kPeers);
  if (!peers) peers = member(&document, kPeersAtLeast);
  return peers && peers->IsUint() ? std::min(peers->GetUint(), kPeersToldApart + 1) : 0;
}

}  // namespace

std::string event_body(const EventSubject& subject, const EventRecord& record,
                       const EventAuthor& author) {
  Json json;
  json.open();
  json.add("apiVersion", "v1");
  json.add("kind", "Event");
  json.open("metadata");
  json.add("name", event_name(subject));
  json.add("namespace", subject.pod.ns);
  json.open("annotations");
  json.add(kDropAnnotation, drop_facts(subject, record));
  json.add(kTallyAnnotation, tally(record));
  json.close();
  json.close();
  add_pod(json, "involvedObject", subject.pod);
  if (!subject.related.empty()) add_pod(json, "related", subject.related);
  json.add("type", "Warning");
  json.add("reason", author.reason);
  json.add("message", message_of(subject, record));
  json.open("source");
  json.add("component", author.component);
  json.add_if_known("host", author.node);
  json.close();
  json.add("reportingComponent", "kube-nflog/agent");
  json.add("reportingInstance", author.node.substr(0, kMaxReportingInstance));
  json.add("action", "Drop");
  json.add("firstTimestamp", to_rfc3339(record.first));
  json.add("lastTimestamp", to_rfc3339(record.last));
  json.add("count", api_count(record));
  json.close();
  return json.take();
}

std::string event_patch(const EventSubject& subject, const EventRecord& record) {
  Json json;
  json.open();
  json.open("metadata");
  json.add_if_known("resourceVersion", record.resource_version);
  json.open("annotations");
  if (subject.shared) json.add(kDropAnnotation, drop_facts(subject, record));
  json.add(kTallyAnnotation, tally(record));
  json.close();
  json.close();
  if (subject.shared) json.add("message", message_of(subject, record));
  json.add("lastTimestamp", to_rfc3339(record.last));
  json.add("count", api_count(record));
  json.close();
  return json.take();
}

std::optional<StoredEvent> parse_event(std::string_view body) {
  rapidjson::Document document;
  if (!parse(document, body) || text_member(&document, "kind") != "Event") return {};
  const Value* const metadata = member(&document, "metadata");
  StoredEvent out;
  const std::string_view version = text_member(metadata, "resourceVersion");
  if (is_plain(version)) out.resource_version = version;
  out.first = parse_rfc3339(text_member(&document, "firstTimestamp"));
  if (out.first && *out.first < SystemTime()) out.first.reset();  // somebody's joke
  if (const Value* count = member(&document, "count"); count && count->IsUint64()) {
    out.count =
        std::min<std::uint64_t>(count->GetUint64(), std::numeric_limits<std::int32_t>::max());
  }
  const Value* const annotations = member(metadata, "annotations");
  read_tally(text_member(annotations, kTallyAnnotation), out);
  out.peers = read_peers(text_member(annotations, kDropAnnotation));
  return out;
}

std::string explain_answer(std::string_view body) {
  constexpr std::size_t kShort = 300;
  rapidjson::Document document;
  if (parse(document, body)) {
    if (const std::string_view text = text_member(&document, "message"); !text.empty()) {
      return printable(text, kShort);
    }
  }
  return printable(body.substr(0, kShort + 1), kShort);
}

}  // namespace kube_nflog
