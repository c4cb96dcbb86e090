// SPDX-License-Identifier: Apache-2.0
#include "nflog/ruleset.h"

// First: the kernel's headers know how to follow it, not the other way round.
#include <netinet/in.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "core/unique_fd.h"
#include "nflog/iptables_table.h"
#include "nflog/nft_rule.h"

namespace kube_nflog {
namespace {

constexpr int kTries = 8;  // rules that change meanwhile make a dump partial

tl::unexpected<Error> failed(const std::string& what, int error) {
  return fail(what + ": " + std::strerror(error),
              error == EPERM ? Exit::kNoPermission : Exit::kUnavailable, error);
}

// ---- nf_tables

Result<UniqueFd> ask_for_rules() {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER));
  if (!fd) return failed("socket NETLINK_NETFILTER", errno);
  alignas(nlmsghdr) std::array<char, 64> buffer{};  // all of it takes 20 bytes
  nlmsghdr* const request = mnl_nlmsg_put_header(buffer.data());
  request->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETRULE;
  request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  mnl_nlmsg_put_extra_header(request, sizeof(nfgenmsg));  // AF_UNSPEC: of all families
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  if (::sendto(fd.get(), buffer.data(), request->nlmsg_len, 0,
               reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel) < 0) {
    return failed("NFT_MSG_GETRULE", errno);
  }
  return fd;
}

// EINTR: rules changed meanwhile. The kernel makes each part of a dump inside the call that reads
// the one before, so all of it is there without waiting.
Result<> read_nft_once(RuleSurvey& out, SteadyTime until) {
  const Result<UniqueFd> fd = ask_for_rules();
  if (!fd) return fail(fd.error());
  std::vector<std::byte> buffer(64U << 10);  // the most that a dump puts into one datagram
  for (;;) {
    if (steady_now() > until) return failed("the rules of nf_tables", ETIMEDOUT);
    sockaddr_nl sender{};
    socklen_t size = sizeof sender;
    const ssize_t length = ::recvfrom(fd->get(), buffer.data(), buffer.size(), 0,
                                      reinterpret_cast<sockaddr*>(&sender), &size);
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return failed("the rules of nf_tables", errno);
    if (size != sizeof sender || sender.nl_pid != 0) continue;  // only the kernel's word counts
    NftRuleReader reader(Bytes(buffer).first(static_cast<std::size_t>(length)));
    for (NftRuleReader::Item item; (item = reader.next()) != NftRuleReader::Item::kEnd;) {
      if (item == NftRuleReader::Item::kDone) return {};
      if (item == NftRuleReader::Item::kRule) out.add(reader.rule());
      if (item == NftRuleReader::Item::kPartial) {
        return failed("the rules of nf_tables", reader.error() == 0 ? EINTR : reader.error());
      }
    }
  }
}

Result<> read_nft(RuleSurvey& out, SteadyTime until) {
  Result<> read;
  for (int i = 0; i < kTries; ++i) {
    RuleSurvey whole = out;
    read = read_nft_once(whole, until);
    const int error = read ? 0 : read.error().code;
    if (error == EINVAL || error == EOPNOTSUPP) return {};  // this kernel has no nf_tables
    if (!read && error == EINTR && i + 1 < kTries) continue;
    out = std::move(whole);
    break;
  }
  return read;
}

// ---- legacy iptables: two calls a table, on any socket of its family

struct Legacy {
  IptablesFamily family;
  int domain, level, get_info, get_entries;
  const char* names;  // lists the tables that are loaded; asking for another would load it
};
constexpr std::array<Legacy, 2> kLegacy{
    {{IptablesFamily::kIpv4, AF_INET, IPPROTO_IP, IPT_SO_GET_INFO, IPT_SO_GET_ENTRIES,
      "/proc/net/ip_tables_names"},
     {IptablesFamily::kIpv6, AF_INET6, IPPROTO_IPV6, IP6T_SO_GET_INFO, IP6T_SO_GET_ENTRIES,
      "/proc/net/ip6_tables_names"}}};

// ip6_tables has structures of its own that begin as these do.
static_assert(sizeof(ipt_getinfo) == sizeof(ip6t_getinfo) &&
              offsetof(ipt_getinfo, size) == offsetof(ip6t_getinfo, size));
constexpr std::size_t kEntries = offsetof(ipt_get_entries, entrytable);
static_assert(kEntries == offsetof(ip6t_get_entries, entrytable));

// Memory that goes back at once. One large block that malloc has taken back makes it keep all that
// is smaller from then on (M_MMAP_THRESHOLD of mallopt(3)).
class Pages {
 public:
  explicit Pages(std::size_t size)
      : at_(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)),
        size_(size) {}
  ~Pages() {
    if (*this) ::munmap(at_, size_);
  }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  explicit operator bool() const { return at_ != MAP_FAILED; }
  std::byte* data() const { return static_cast<std::byte*>(at_); }
  std::size_t size() const { return size_; }

 private:
  void* at_;
  std::size_t size_;
};

Result<> read_table(const Legacy& legacy, int fd, const std::string& name,
                    const RulesetLimits& limits, RuleSurvey& out) {
  if (steady_now() > limits.until) return failed("iptables' table " + name, ETIMEDOUT);
  ipt_getinfo info{};
  name.copy(info.name, sizeof info.name - 1);
  socklen_t size = sizeof info;
  if (::getsockopt(fd, legacy.level, legacy.get_info, &info, &size) != 0) {
    return failed("iptables' table " + name, errno);
  }
  if (info.size > limits.table_bytes) return failed("iptables' table " + name, EFBIG);
  const Pages buffer(kEntries + info.size);
  if (!buffer) return failed("iptables' table " + name, errno);
  // An ipt_get_entries, whose last member is an array without a size.
  std::memcpy(buffer.data() + offsetof(ipt_get_entries, name), info.name, sizeof info.name);
  std::memcpy(buffer.data() + offsetof(ipt_get_entries, size), &info.size, sizeof info.size);
  size = static_cast<socklen_t>(buffer.size());
  if (::getsockopt(fd, legacy.level, legacy.get_entries, buffer.data(), &size) != 0) {
    return failed("iptables' table " + name, errno);  // EAGAIN: it grew meanwhile
  }
  Cursor entries(Bytes(buffer.data(), buffer.size()).subspan(kEntries));
  std::string_view chain;
  LoggingRule rule;
  while (take_iptables_rule(legacy.family, entries, chain, rule)) {
    rule.table = name;
    out.add(rule);
  }
  return {};
}

Result<> read_legacy(const Legacy& legacy, const RulesetLimits& limits, RuleSurvey& out) {
  std::ifstream names(legacy.names);
  std::string name;
  while (std::getline(names, name)) {
    const UniqueFd fd(::socket(legacy.domain, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!fd) return failed("socket", errno);
    Result<> read = read_table(legacy, fd.get(), name, limits, out);
    for (int i = 1; i < kTries && !read && read.error().code == EAGAIN; ++i)
      read = read_table(legacy, fd.get(), name, limits, out);
    if (!read) return read;
  }
  return {};
}

}  // namespace

Result<> read_ruleset(RuleSurvey& out, const RulesetLimits& limits) {
  Result<> read = read_nft(out, limits.until);
  for (const Legacy& legacy : kLegacy)
    if (read) read = read_legacy(legacy, limits, out);
  return read;
}

}  // namespace kube_nflog
