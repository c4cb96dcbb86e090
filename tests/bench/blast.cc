// SPDX-License-Identifier: Apache-2.0
// blast OUT IN FLOWS PACKETS RATE [SOURCE]: sends PACKETS TCP SYNs, in turn from FLOWS distinct
// flows, as Ethernet frames from the device OUT to its peer IN, RATE a second (0: as fast as one
// core can). From as many addresses to one; or, as a scan, from SOURCE to one port of as many
// addresses. For scripts/bench and tests/netns: no routing, no socket buffer, as little cost a
// packet as a syscall interface allows.
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned kBatch = 256;
constexpr unsigned kPortsPerSource = 256;
constexpr std::uint16_t kFirstPort = 1024;
constexpr std::uint32_t kFirstAddress = 0x0a80'0000;  // 10.128.0.0, up to 32,768 * 256 flows … /9
constexpr std::uint32_t kDestination = 0x0a01'0003;   // 10.1.0.3, the Pod that bench/pods.json has

struct Frame {
  std::uint8_t padding[2];  // not sent: what follows the Ethernet header is aligned
  ether_header ethernet;
  iphdr ip;
  tcphdr tcp;
  std::uint8_t options[20];  // as many as Linux sends with a SYN
};
constexpr std::size_t kSent = sizeof(Frame) - offsetof(Frame, ethernet);
static_assert(kSent == 74);

struct Blast {
  std::string out, in;
  std::uint32_t flows = 0;
  std::uint64_t packets = 0, rate = 0;
  in_addr source{};  // of a scan
  bool is_scan = false;
};

bool parse(int argc, char** argv, Blast& blast) {
  if (argc != 6 && argc != 7) return false;
  const auto number = [&](int i) { return std::strtoull(argv[i], nullptr, 10); };
  blast.out = argv[1];
  blast.in = argv[2];
  blast.flows = static_cast<std::uint32_t>(number(3));
  blast.packets = number(4);
  blast.rate = number(5);
  blast.is_scan = argc == 7;
  if (blast.is_scan && inet_pton(AF_INET, argv[6], &blast.source) != 1) return false;
  return blast.flows > 0 && blast.out.size() < IFNAMSIZ && blast.in.size() < IFNAMSIZ;
}

bool hardware_address(int fd, const std::string& device, std::uint8_t (&address)[ETH_ALEN]) {
  ifreq request{};
  device.copy(request.ifr_name, IFNAMSIZ - 1);
  if (ioctl(fd, SIOCGIFHWADDR, &request) != 0) return false;
  std::memcpy(address, request.ifr_hwaddr.sa_data, ETH_ALEN);
  return true;
}

int open_device(const Blast& blast, Frame& frame) {
  const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);  // protocol 0: receives nothing
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = static_cast<int>(if_nametoindex(blast.out.c_str()));
  const int on = 1;
  if (fd < 0 || address.sll_ifindex == 0 ||
      !hardware_address(fd, blast.out, frame.ethernet.ether_shost) ||
      !hardware_address(fd, blast.in, frame.ethernet.ether_dhost) ||
      setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on) != 0 ||
      bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return -1;
  }
  return fd;
}

std::uint16_t ip_checksum(const iphdr& header) {
  std::array<std::uint16_t, sizeof header / 2> words;
  std::memcpy(words.data(), &header, sizeof header);
  std::uint32_t sum = 0;
  for (const std::uint16_t word : words) sum += word;
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~(sum + (sum >> 16)));
}

void make_syn(Frame& frame) {
  frame.ethernet.ether_type = htons(ETHERTYPE_IP);
  frame.ip.version = 4;
  frame.ip.ihl = 5;
  frame.ip.tot_len = htons(kSent - sizeof(ether_header));
  frame.ip.ttl = 64;
  frame.ip.protocol = IPPROTO_TCP;
  frame.ip.daddr = htonl(kDestination);
  frame.tcp.source = htons(40000);
  frame.tcp.doff = (sizeof frame.tcp + sizeof frame.options) / 4;
  frame.tcp.syn = 1;
  std::fill(std::begin(frame.options), std::end(frame.options), std::uint8_t{TCPOPT_NOP});
}

void set_flow(const Blast& blast, Frame& frame, std::uint32_t flow) {
  if (blast.is_scan) {
    frame.ip.saddr = blast.source.s_addr;
    frame.ip.daddr = htonl(kFirstAddress + flow);
    frame.tcp.dest = htons(kFirstPort);
  } else {
    frame.ip.saddr = htonl(kFirstAddress + flow / kPortsPerSource);
    frame.tcp.dest = htons(static_cast<std::uint16_t>(kFirstPort + flow % kPortsPerSource));
  }
  frame.ip.check = 0;
  frame.ip.check = ip_checksum(frame.ip);
}

void wait_for_turn(Clock::time_point start, std::uint64_t sent, std::uint64_t rate) {
  const auto due = start + std::chrono::nanoseconds(sent * 1'000'000'000 / rate);
  std::this_thread::sleep_until(due);
}

bool send_all(int fd, const Blast& blast, const Frame& pattern) {
  std::vector<Frame> frames(kBatch, pattern);
  std::array<iovec, kBatch> data;
  std::array<mmsghdr, kBatch> messages{};
  for (unsigned i = 0; i < kBatch; ++i) {
    data[i] = {&frames[i].ethernet, kSent};
    messages[i].msg_hdr.msg_iov = &data[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  // Paced: a batch each millisecond or so, and never more than a batch late to catch up with.
  const std::uint64_t most =
      blast.rate == 0 ? kBatch : std::clamp<std::uint64_t>(blast.rate / 1000, 1, kBatch);
  const Clock::time_point start = Clock::now();
  std::uint32_t flow = 0;
  for (std::uint64_t sent = 0; sent < blast.packets;) {
    const auto batch = static_cast<unsigned>(std::min(most, blast.packets - sent));
    for (unsigned i = 0; i < batch; ++i) {
      set_flow(blast, frames[i], flow);
      flow = flow + 1 < blast.flows ? flow + 1 : 0;
    }
    for (unsigned done = 0; done < batch;) {
      const int n = sendmmsg(fd, messages.data() + done, batch - done, 0);
      if (n < 0) return false;
      done += static_cast<unsigned>(n);
    }
    sent += batch;
    if (blast.rate != 0) wait_for_turn(start, sent, blast.rate);
  }
  const std::chrono::duration<double> took = Clock::now() - start;
  std::printf("%.0f\n", static_cast<double>(blast.packets) / took.count());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  Blast blast;
  if (!parse(argc, argv, blast)) {
    std::fprintf(stderr, "usage: blast OUT IN FLOWS PACKETS RATE [SOURCE]\n");
    return 64;
  }
  Frame frame{};
  make_syn(frame);
  const int fd = open_device(blast, frame);
  if (fd < 0 || !send_all(fd, blast, frame)) {
    std::perror("blast");
    return 1;
  }
  close(fd);
  return 0;
}
