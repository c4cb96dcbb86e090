// SPDX-License-Identifier: Apache-2.0
#include "k8s/ptr_record.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/k8s/make.h"

namespace kube_nflog {
namespace {

using namespace std::chrono_literals;

enum : std::uint8_t { kCname = 5, kSoa = 6, kPtr = 12 };

// A DNS answer, put together by hand.
class Message {
 public:
  Message() : bytes_(12) {}
  Message& record(std::uint8_t section, std::uint8_t type, std::uint32_t ttl, std::string rdata) {
    name("7.113.0.203.in-addr.arpa");
    number(type, 2);
    number(1, 2);
    number(ttl, 4);
    number(static_cast<std::uint32_t>(rdata.size()), 2);
    bytes_.insert(bytes_.end(), rdata.begin(), rdata.end());
    ++bytes_[5U + 2 * section];
    return *this;
  }
  Message& ptr(const std::string& host, std::uint32_t ttl = 60) {
    return record(1, kPtr, ttl, wire(host));
  }
  static std::string wire(std::string_view name) {
    std::string out;
    while (!name.empty()) {
      const std::string_view label = name.substr(0, name.find('.'));
      out += static_cast<char>(label.size());
      out += label;
      name.remove_prefix(std::min(label.size() + 1, name.size()));
    }
    return out + '\0';
  }
  std::optional<PtrAnswer> parse() const { return parse_ptr_answer(bytes_); }
  std::vector<std::uint8_t>& bytes() { return bytes_; }

 private:
  void name(std::string_view text) {
    const std::string bytes = wire(text);
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  void number(std::uint32_t value, int size) {
    while (size-- > 0) bytes_.push_back(static_cast<std::uint8_t>(value >> (8 * size)));
  }
  std::vector<std::uint8_t> bytes_;
};

TEST(PtrRecord, AsksByTheReversedAddress) {
  EXPECT_EQ(reverse_name(make::ip("203.0.113.7")), "7.113.0.203.in-addr.arpa");
  EXPECT_EQ(reverse_name(make::ip("2001:db8::567:89ab")),
            "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

TEST(PtrRecord, TakesNameAndTtl) {
  const auto answer = Message().ptr("Api.Example.com", 300).parse();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->host, "api.example.com");
  EXPECT_EQ(answer->ttl, 300s);
}

TEST(PtrRecord, FollowsAnAliasAndTakesTheLeastTtl) {
  const auto answer = Message()
                          .record(1, kCname, 30, Message::wire("7.0-31.example.net"))
                          .ptr("h.example.net")
                          .parse();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->host, "h.example.net");
  EXPECT_EQ(answer->ttl, 30s);
}

TEST(PtrRecord, OfSeveralNamesAlwaysTheSame) {
  EXPECT_EQ(Message().ptr("b.example").ptr("a.example").parse()->host, "a.example");
  EXPECT_EQ(Message().ptr("a.example").ptr("b.example").parse()->host, "a.example");
  EXPECT_EQ(Message().ptr("bad name.example").ptr("b.example").parse()->host, "b.example");
}

TEST(PtrRecord, HostileNamesAreNone) {
  for (const char* bad : {"", "localhost", "a b.example", "evil\033[2J.example", "10.0.0.1",
                          "Packet dropped (IP: 1.2.3.4).example"}) {
    const auto answer = Message().ptr(bad).parse();
    ASSERT_TRUE(answer) << bad;
    EXPECT_EQ(answer->host, "") << bad;
  }
}

TEST(PtrRecord, ThatThereIsNoneHoldsAsLongAsTheSoaSays) {
  const std::string names = Message::wire("ns.example") + Message::wire("root.example");
  const std::string numbers(16, '\0');
  const auto soa = [&](std::uint32_t ttl, char minimum) {
    return Message()
        .record(2, kSoa, ttl, names + numbers + std::string("\0\0\0", 3) + minimum)
        .parse();
  };
  EXPECT_EQ(soa(300, 90)->ttl, 90s);
  EXPECT_EQ(soa(20, 90)->ttl, 20s);
  EXPECT_EQ(soa(300, 90)->host, "");
  EXPECT_EQ(Message().parse()->ttl, std::nullopt);
  EXPECT_EQ(Message().record(2, kSoa, 300, "abc").parse()->ttl, std::nullopt);
}

TEST(PtrRecord, ATtlBeyondReasonIsNone) {
  EXPECT_EQ(Message().ptr("a.example", 0xffffffff).parse()->ttl, 0s);
}

TEST(PtrRecord, DamagedMessagesAreRefused) {
  EXPECT_FALSE(parse_ptr_answer({}));
  Message whole;
  whole.ptr("api.example.com");
  for (std::size_t size = 0; size < whole.bytes().size(); ++size) {
    EXPECT_FALSE(parse_ptr_answer(std::span(whole.bytes()).first(size))) << size;
  }
  Message loop;  // a name that points to itself
  loop.record(1, kPtr, 60, std::string("\xc0\x2e", 2));
  loop.bytes()[loop.bytes().size() - 1] = static_cast<std::uint8_t>(loop.bytes().size() - 2);
  const auto answer = loop.parse();
  EXPECT_TRUE(!answer || answer->host.empty());
}

TEST(PtrRecord, AHugeAnswerIsReadToABound) {
  Message message;
  for (int i = 0; i < 250; ++i) message.ptr("host-" + std::to_string(i) + ".example");
  const auto answer = message.parse();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->host, "host-0.example");
  EXPECT_FALSE(parse_ptr_answer(std::vector<std::uint8_t>(70'000)));
}

}  // namespace
}  // namespace kube_nflog
