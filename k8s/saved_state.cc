// SPDX-License-Identifier: Apache-2.0
#include "k8s/saved_state.h"

#include <algorithm>
#include <array>
#include <concepts>
#include <cstring>
#include <span>
#include <type_traits>
#include <utility>

#include "core/printable.h"
#include "k8s/describe.h"
#include "k8s/peer_fold.h"

namespace kube_nflog {
namespace {

constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kMaxText = 4'096;     // of one name or sentence
constexpr std::size_t kMaxItems = 131'072;  // of one list; more than any bound of ours

// Writer and Reader have the same verbs, so that one list of fields, below, serves both ways. In
// the order of this machine's bytes: the file never leaves it.
class Writer {
 public:
  static constexpr bool kReads = false;

  template <class T>
  requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  void value(const T& value) {
    const auto* const bytes = reinterpret_cast<const char*>(&value);
    out_.append(bytes, sizeof value);
  }
  void text(std::string_view text) {
    value(static_cast<std::uint32_t>(text.size()));
    out_.append(text);
  }
  void name(const std::string& name) { text(name); }
  void time(const SystemTime& time) { value(std::int64_t{time.time_since_epoch().count()}); }
  void address(const IpAddr& ip) {
    value(ip.family());
    for (const std::uint8_t byte : ip.bytes()) value(byte);
  }
  void cause(const Cause* const& cause) {
    value(static_cast<std::uint8_t>(cause != nullptr));
    if (cause) text(cause->clause);
  }
  void interfaces(const Interfaces* const& pair) {
    text(pair ? pair->in.view() : "");
    text(pair ? pair->out.view() : "");
  }
  template <class T, class Each>
  void list(const std::vector<T>& items, Each each) {
    value(static_cast<std::uint32_t>(items.size()));
    for (const T& item : items) each(item);
  }
  void check(bool /*sound*/) {}
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

// Once something is wrong, everything else reads as nothing.
class Reader {
 public:
  static constexpr bool kReads = true;

  Reader(std::string_view bytes, CauseTable& causes, InterfaceTable& interfaces)
      : rest_(bytes), causes_(causes), interfaces_(interfaces) {}

  template <class T>
  requires std::is_arithmetic_v<T>
  void value(T& value) {
    std::array<char, sizeof(T)> bytes{};
    const std::string_view taken = take(sizeof(T));
    std::copy(taken.begin(), taken.end(), bytes.begin());
    if constexpr (std::same_as<T, bool>) {
      check(bytes[0] == 0 || bytes[0] == 1);
      value = bytes[0] == 1;
    } else {
      std::memcpy(&value, bytes.data(), sizeof(T));
    }
  }
  template <class E>
  requires std::is_enum_v<E>
  void value(E& label) {
    std::underlying_type_t<E> number{};
    value(number);
    label = static_cast<E>(number);
  }
  // Any bytes.
  std::string_view text() {
    std::uint32_t size = 0;
    value(size);
    check(size <= kMaxText);
    return take(size);
  }
  // Of what is told in Events.
  void name(std::string& name) {
    const std::string_view bytes = text();
    name = bytes;
    check(printable(bytes, kMaxText) == bytes);
  }
  // From 1970 to 2262, so that no sum or difference of two overflows.
  void time(SystemTime& time) {
    std::int64_t count = 0;
    value(count);
    constexpr std::int64_t kLatest = INT64_MAX / 1'000;
    check(count >= 0 && count < kLatest);
    time = SystemTime(std::chrono::microseconds(ok_ ? count : 0));
  }
  void address(IpAddr& ip) {
    std::uint8_t family = 0;
    value(family);
    check(family == 0 || family == 4 || family == 6);
    const std::string_view bytes = take(family == 4 ? 4 : family == 6 ? 16 : 0);
    const auto wire = std::as_bytes(std::span(bytes));
    if (wire.size() == 4) ip = IpAddr::v4(wire.first<4>());
    if (wire.size() == 16) ip = IpAddr::v6(wire.first<16>());
  }
  void cause(const Cause*& cause) {
    bool there = false;
    value(there);
    if (there) cause = causes_.intern(text());
  }
  void interfaces(const Interfaces*& pair) {
    Interfaces read;
    for (InterfaceName* const name : {&read.in, &read.out}) {
      const std::string_view bytes = text();
      if (bytes.empty()) continue;
      const std::optional<InterfaceName> parsed = InterfaceName::parse(bytes);
      check(parsed.has_value());
      *name = parsed.value_or(InterfaceName());
    }
    pair = read.empty() ? nullptr : interfaces_.intern(read);
  }
  template <class T, class Each>
  void list(std::vector<T>& items, Each each) {
    std::uint32_t size = 0;
    value(size);
    check(size <= kMaxItems);
    for (std::uint32_t i = 0; ok_ && i < size; ++i) each(items.emplace_back());
  }
  void check(bool sound) {
    ok_ = ok_ && sound;
    if (!ok_) rest_ = {};
  }
  bool at_end() const { return ok_ && rest_.empty(); }

 private:
  std::string_view take(std::size_t size) {
    check(size <= rest_.size());
    if (!ok_) return {};
    const std::string_view head = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return head;
  }

  std::string_view rest_;
  CauseTable& causes_;
  InterfaceTable& interfaces_;
  bool ok_ = true;
};

// ---- the fields, in the order of the file. `Of<T>`: const for the Writer.

template <class Archive, class T>
using Of = std::conditional_t<Archive::kReads, T, const T>;

template <class Archive>
void direction(Archive& a, Of<Archive, Direction>& direction) {
  a.value(direction);
  a.check(direction == Direction::kReceiving || direction == Direction::kSending);
}

template <class Archive>
void detail(Archive& a, Of<Archive, std::uint16_t>& detail, Of<Archive, Detail>& kind) {
  a.value(detail);
  a.value(kind);
  a.check(kind == Detail::kNone || kind == Detail::kPort || kind == Detail::kIcmp);
}

template <class Archive>
void pod(Archive& a, Of<Archive, PodRef>& pod) {
  a.name(pod.ns);
  a.name(pod.name);
  a.name(pod.uid);
}

template <class Archive>
void subject(Archive& a, Of<Archive, EventSubject>& s) {
  a.value(s.key);
  pod(a, s.pod);
  pod(a, s.related);
  a.name(s.message);
  a.value(s.shared);
  direction(a, s.direction);
  for (auto* const text : {&s.peer_ip, &s.peer_name, &s.protocol, &s.icmp, &s.service_name,
                           &s.service_address, &s.cause})
    a.name(*text);
  a.interfaces(s.interfaces);
  bool has_port = s.port.has_value();
  a.value(has_port);
  if constexpr (Archive::kReads) {
    if (has_port) s.port.emplace();
  }
  if (has_port) a.value(*s.port);
  a.value(s.peer_begin);
  a.value(s.peer_end);
  a.check(s.peer_begin <= s.peer_end && s.peer_end < s.message.size() &&
          s.message.size() <= kMaxMessage && !s.pod.empty());
}

template <class Archive>
void record(Archive& a, Of<Archive, EventRecord>& r) {
  for (auto* const number : {&r.total, &r.told, &r.base}) a.value(*number);
  a.value(r.peers.addresses);
  a.value(r.peers.complete);
  a.value(r.peers.memory);
  a.value(r.base_peers);
  a.time(r.first);
  a.time(r.last);
  a.name(r.stamp);
  a.value(r.exists);
  a.check(r.stamp.find(' ') == std::string::npos);
}

template <class Archive>
void event(Archive& a, Of<Archive, SavedEvent>& e) {
  if constexpr (Archive::kReads) {
    auto read = std::make_shared<EventSubject>();
    subject(a, *read);
    e.subject = std::move(read);
  } else {
    subject(a, *e.subject);
  }
  record(a, e.record);
  a.value(e.ledger);
  a.time(e.not_before);
  a.time(e.idle_since);
  std::int64_t interval = e.interval.count();
  a.value(interval);
  a.check(interval >= 0 && interval <= std::chrono::milliseconds(std::chrono::hours(24)).count());
  if constexpr (Archive::kReads) e.interval = std::chrono::milliseconds(interval);
}

template <class Archive>
void peers(Archive& a, Of<Archive, SavedPeers>& p) {
  a.value(p.pod);
  a.cause(p.cause);
  detail(a, p.detail, p.detail_kind);
  a.value(p.protocol);
  direction(a, p.direction);
  a.time(p.last);
  a.list(p.own, [&a](auto& own) {
    a.address(own.peer);
    a.time(own.last);
  });
  a.value(p.memory);
  a.check(p.memory < UINT32_MAX / 2);  // there is always a next one
  a.value(p.event);
  a.value(p.complete);
  a.value(p.full);
  a.address(p.example);
  a.list(p.others, [&a](auto& ip) { a.address(ip); });
  a.time(p.shared_last);
}

template <class Archive>
void drop(Archive& a, Of<Archive, SavedDrop>& d) {
  auto& key = d.drop.key;
  detail(a, key.detail, key.detail_kind);
  a.value(key.protocol);
  a.address(key.src);
  a.address(key.dst);
  a.value(key.fold);
  a.check(key.fold <= Fold::kDestinations);
  a.cause(key.cause);
  a.value(d.drop.count);
  a.time(d.drop.first);
  a.time(d.drop.last);
  a.address(d.drop.example);
  a.interfaces(d.drop.interfaces);
  bool is_told = d.told.has_value();
  a.value(is_told);
  if constexpr (Archive::kReads) {
    if (is_told) d.told.emplace();
  }
  if (is_told) direction(a, *d.told);
  a.check(!d.drop.is_mark());
}

template <class Archive>
void state(Archive& a, Of<Archive, SavedState>& s) {
  std::uint32_t version = kVersion;
  a.value(version);
  a.check(version == kVersion);
  a.time(s.time);
  a.name(s.run_id);
  a.value(s.forgotten);
  a.list(s.events, [&a](auto& e) { event(a, e); });
  a.list(s.peers, [&a](auto& p) { peers(a, p); });
  a.list(s.drops, [&a](auto& d) { drop(a, d); });
}

}  // namespace

std::string to_bytes(const SavedState& saved) {
  Writer writer;
  state(writer, saved);
  return writer.take();
}

std::optional<SavedState> parse_saved_state(std::string_view bytes, CauseTable& causes,
                                            InterfaceTable& interfaces) {
  SavedState saved;
  Reader reader(bytes, causes, interfaces);
  state(reader, saved);
  if (!reader.at_end()) return std::nullopt;
  return saved;
}

}  // namespace kube_nflog
