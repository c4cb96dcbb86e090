// SPDX-License-Identifier: Apache-2.0
#include "nflog/log_line.h"

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "nflog/log_header.h"
#include "nflog/text.h"

namespace kube_nflog {
namespace {

struct Token {
  std::string_view text;
  bool whole = false;  // a space ends it
};

class Tokens {
 public:
  explicit Tokens(std::string_view text) : rest_(text) {}

  // Nothing: the end.
  std::optional<Token> next() {
    if (rest_.empty()) return std::nullopt;
    const std::size_t end = rest_.find(' ');
    const Token token{rest_.substr(0, end), end != std::string_view::npos};
    rest_.remove_prefix(token.whole ? end + 1 : rest_.size());
    return token;
  }

 private:
  std::string_view rest_;
};

// Of each token many keys are asked, and the first letter tells most of them apart: so it comes
// first, and in place.
[[gnu::always_inline]] inline bool begins(std::string_view text, std::string_view key) {
  return !text.empty() && text.front() == key.front() && text.starts_with(key);
}

// The value of `KEY=value` if this is that key, and whole.
[[gnu::always_inline]] inline std::optional<std::string_view> value(const Token& token,
                                                                    std::string_view key) {
  if (!begins(token.text, key) || !token.whole) return std::nullopt;
  return token.text.substr(key.size());
}

template <class T>
void take_first(std::optional<T>& field, const Token& token, std::string_view key) {
  if (field) return;
  if (const auto text = value(token, key)) field = number<T>(*text);
}

// `IN= OUT=`, and after them the ports of a bridge, where there are any.
void take_interface(const Token& token, Interfaces& interfaces) {
  struct Field {
    std::string_view key;
    InterfaceName& name;
  };
  for (const Field& field : {Field{"IN=", interfaces.in}, Field{"OUT=", interfaces.out},
                             Field{"PHYSIN=", interfaces.in}, Field{"PHYSOUT=", interfaces.out}}) {
    const auto text = value(token, field.key);
    if (text) field.name = InterfaceName::parse(*text).value_or(InterfaceName());
  }
}

// `MAC=` is the whole header of an Ethernet, in its order; `MACDST=`, of --log-macdecode, an
// address.
bool says_broadcast(const Token& token) {
  constexpr std::string_view kEverybody = "ff:ff:ff:ff:ff:ff";
  if (const auto header = value(token, "MAC=")) return header->starts_with(kEverybody);
  return value(token, "MACDST=") == kEverybody;
}

// The link layer's fields come before, and none begins with `SRC=`.
bool read_addresses(Tokens& tokens, Drop& drop, Interfaces& interfaces) {
  for (std::optional<Token> token = tokens.next(); token; token = tokens.next()) {
    const auto source = value(*token, "SRC=");
    if (!source) {
      take_interface(*token, interfaces);
      drop.link_broadcast |= says_broadcast(*token);
      continue;
    }
    const std::optional<Token> next = tokens.next();
    const auto target = next ? value(*next, "DST=") : std::nullopt;
    const auto src = IpAddr::parse(*source);
    const auto dst = target ? IpAddr::parse(*target) : std::nullopt;
    if (!src || !dst || src->is_v4() != dst->is_v4()) return false;
    drop.key.src = *src;
    drop.key.dst = *dst;
    return true;
  }
  return false;
}

std::optional<std::uint8_t> protocol_number(std::string_view name) {
  struct Named {
    std::string_view name;
    std::uint8_t number;
  };
  constexpr std::array kNamed{
      Named{"TCP", IPPROTO_TCP},         Named{"UDP", IPPROTO_UDP},   Named{"ICMP", IPPROTO_ICMP},
      Named{"ICMPv6", IPPROTO_ICMPV6},   Named{"AH", IPPROTO_AH},     Named{"ESP", IPPROTO_ESP},
      Named{"UDPLITE", IPPROTO_UDPLITE}, Named{"SCTP", IPPROTO_SCTP},
  };
  for (const Named& known : kNamed) {
    if (known.name == name) return known.number;
  }
  return number<std::uint8_t>(name);
}

struct Header {
  std::uint8_t protocol = 0;
  // Nothing but the protocol: of a later fragment, and of what the writer knows by its number only.
  bool ends_here = false;
};

std::optional<Header> read_header(Tokens& tokens) {
  Header header;
  for (std::optional<Token> token = tokens.next(); token; token = tokens.next()) {
    if (auto offset = value(*token, "FRAG:")) {
      if (offset->empty()) {  // ulogd's: `FRAG: 1448 `
        token = tokens.next();
        if (!token || !token->whole) return std::nullopt;
        offset = token->text;
      }
      const auto units = number<std::uint16_t>(*offset);
      if (!units) return std::nullopt;
      header.ends_here = *units != 0;
    } else if (token->text == "ESP" && token->whole) {  // of IPv6, where it ends the line
      header.protocol = IPPROTO_ESP;
      return header;
    } else if (const auto name = value(*token, "PROTO=")) {
      const auto protocol = protocol_number(*name);
      if (!protocol) return std::nullopt;
      header.protocol = *protocol;
      header.ends_here |= name->front() >= '0' && name->front() <= '9';
      return header;
    }
  }
  return std::nullopt;
}

struct Transport {
  std::optional<std::uint16_t> src_port, dst_port;
  std::optional<std::uint8_t> type, code;
  bool syn = false;
  bool incomplete = false;  // the kernel had not enough of the packet
  // The fields that end TCP, UDP and ICMP echo: with them nothing before was cut.
  bool urgp = false, len = false, seq = false;
};

Transport read_transport(Tokens& tokens) {
  Transport t;
  for (std::optional<Token> token = tokens.next(); token; token = tokens.next()) {
    if (token->text.starts_with('[')) break;
    take_first(t.src_port, *token, "SPT=");
    take_first(t.dst_port, *token, "DPT=");
    take_first(t.type, *token, "TYPE=");
    take_first(t.code, *token, "CODE=");
    t.syn |= token->text == "SYN";
    t.incomplete |= begins(token->text, "INCOMPLETE");  // ulogd's is glued to what follows
    t.urgp |= begins(token->text, "URGP=");
    t.len |= begins(token->text, "LEN=");
    t.seq |= begins(token->text, "SEQ=");
  }
  return t;
}

bool set_ports(const Transport& t, Drop& drop) {
  if (!t.src_port || !t.dst_port) return false;
  drop.src_port = *t.src_port;
  drop.key.detail = *t.dst_port;
  drop.key.detail_kind = Detail::kPort;
  return true;
}

bool set_icmp(const Transport& t, Drop& drop) {
  if (!t.type || !t.code) return false;
  drop.key.detail = static_cast<std::uint16_t>(*t.type << 8 | *t.code);
  drop.key.detail_kind = Detail::kIcmp;
  const bool echo =
      drop.key.src.is_v4() ? *t.type == 0 || *t.type == 8 : *t.type == 128 || *t.type == 129;
  return !echo || t.seq || t.incomplete;
}

bool apply(const Header& header, const Transport& t, Drop& drop) {
  drop.key.protocol = header.protocol;
  if (header.ends_here) return true;
  switch (header.protocol) {
    case IPPROTO_TCP:
      drop.mid_stream = t.urgp && !t.syn;
      return (t.urgp && set_ports(t, drop)) || t.incomplete;
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE:
      return (t.len && set_ports(t, drop)) || t.incomplete;
    case IPPROTO_ICMP:
      return drop.key.src.is_v4() && (set_icmp(t, drop) || t.incomplete);
    case IPPROTO_ICMPV6:
      return drop.key.src.is_v6() && (set_icmp(t, drop) || t.incomplete);
    case IPPROTO_SCTP:  // ulogd's name; to the kernel it is a number
      return set_ports(t, drop) || t.incomplete;
    default:
      return true;
  }
}

// Where ` OUT=` stands last. Of its letters the U is the rarest, so few places are looked at.
std::size_t last_out(std::string_view line) {
  constexpr std::string_view kOut = " OUT=";
  constexpr std::size_t kBeforeU = 2;
  std::size_t end = line.size();
  while (const void* found = ::memrchr(line.data(), 'U', end)) {
    end = static_cast<std::size_t>(static_cast<const char*>(found) - line.data());
    if (end >= kBeforeU && line.substr(end - kBeforeU).starts_with(kOut)) return end - kBeforeU;
  }
  return std::string_view::npos;
}

// Where `IN=` stands to an ` OUT=`; npos: another one's.
std::size_t in_before(std::string_view line, std::size_t out) {
  constexpr std::size_t kMaxInterface = 15;  // IFNAMSIZ without its NUL
  const std::size_t in = line.rfind("IN=", out);
  if (in == std::string_view::npos || out - in > 3 + kMaxInterface) return std::string_view::npos;
  const bool parted = line.substr(in, out - in).find(' ') != std::string_view::npos;
  return parted ? std::string_view::npos : in;
}

// Where the fields of a packet begin in what should be a prefix: so it is a line that was torn.
// `IN= OUT=` alone may be one.
std::size_t torn_fields(std::string_view text) {
  constexpr std::array<std::string_view, 5> kFields{
      "MAC=", "MACSRC=", "SRC=", "PHYSIN=", "PHYSOUT="};
  for (std::size_t out = last_out(text); out != std::string_view::npos;
       out = last_out(text.substr(0, out))) {
    const std::size_t space = text.find(' ', out + 1);
    if (space == std::string_view::npos || in_before(text, out) == std::string_view::npos) continue;
    const std::string_view next = text.substr(space + 1);
    if (std::any_of(kFields.begin(), kFields.end(),
                    [next](std::string_view field) { return begins(next, field); }))
      return space + 1;
  }
  return std::string_view::npos;
}

}  // namespace

std::optional<LogLine> split_log_line(std::string_view line) {
  // The last one: a prefix may hold anything, but no field after it is named so.
  const std::size_t out = last_out(line);
  if (out == std::string_view::npos) return std::nullopt;
  const std::size_t in = in_before(line, out);
  if (in == std::string_view::npos) return std::nullopt;
  LogHeader header = read_log_header(line.substr(0, in));
  if (const std::size_t torn = torn_fields(header.rest); torn != std::string_view::npos)
    header = read_header_behind(header.rest.substr(torn));
  return LogLine{header.time, header.rest, line.substr(in)};
}

bool decode_log_body(std::string_view body, Drop& drop, Interfaces& interfaces) {
  Tokens tokens(body);
  if (!read_addresses(tokens, drop, interfaces)) return false;
  const std::optional<Header> header = read_header(tokens);
  return header && apply(*header, read_transport(tokens), drop);
}

}  // namespace kube_nflog
