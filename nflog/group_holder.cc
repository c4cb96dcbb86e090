// SPDX-License-Identifier: Apache-2.0
#include "nflog/group_holder.h"

#include <linux/netlink.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "nflog/text.h"

namespace kube_nflog {
namespace {

namespace fs = std::filesystem;

std::string read_whole(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Takes the next line off `text`, as its columns.
std::vector<std::string_view> next_row(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  std::vector<std::string_view> columns;
  while (!(line = trimmed(line)).empty()) {
    columns.push_back(line.substr(0, line.find(' ')));
    line.remove_prefix(columns.back().size());
  }
  return columns;
}

bool holds_socket(const fs::path& process, const std::string& socket) {
  std::error_code error;  // processes end while we look, and some are not ours to see
  for (fs::directory_iterator it(process / "fd", error), end; !error && it != end;
       it.increment(error)) {
    std::error_code gone;
    if (fs::read_symlink(it->path(), gone) == socket) return true;
  }
  return false;
}

std::string process_with_socket(std::uint64_t inode) {
  const std::string socket = "socket:[" + std::to_string(inode) + "]";
  std::error_code error;
  for (fs::directory_iterator it("/proc", error), end; !error && it != end; it.increment(error)) {
    const std::string pid = it->path().filename();
    if (!number<int>(pid) || !holds_socket(it->path(), socket)) continue;
    const std::string command = read_whole(it->path() / "comm");
    return std::string(trimmed(command)) + " (pid " + pid + ")";
  }
  return {};
}

}  // namespace

std::optional<std::uint32_t> holder_port(std::string_view table, std::uint16_t group) {
  while (!table.empty()) {
    const auto columns = next_row(table);
    if (columns.size() >= 2 && number<std::uint16_t>(columns[0]) == group) {
      return number<std::uint32_t>(columns[1]);
    }
  }
  return std::nullopt;
}

std::optional<std::uint64_t> netfilter_socket_inode(std::string_view table, std::uint32_t port_id) {
  constexpr std::size_t kProtocol = 1,
                        kPortId = 2;  // after the socket's address; the inode is last
  while (!table.empty()) {
    const auto columns = next_row(table);
    if (columns.size() >= 10 && number<int>(columns[kProtocol]) == NETLINK_NETFILTER &&
        number<std::uint32_t>(columns[kPortId]) == port_id) {
      return number<std::uint64_t>(columns.back());
    }
  }
  return std::nullopt;
}

std::string name_of(const GroupHolder& holder) {
  const std::string port = "netlink port id " + std::to_string(holder.port_id);
  return holder.process.empty() ? "a process that cannot be seen from here (" + port + ")"
                                : holder.process + ", " + port;
}

std::optional<std::uint32_t> find_holder_port(std::uint16_t group) {
  return holder_port(read_whole("/proc/net/netfilter/nfnetlink_log"), group);
}

GroupHolder holder_with_port(std::uint32_t port_id) {
  GroupHolder holder{.port_id = port_id, .process = {}};
  const auto inode = netfilter_socket_inode(read_whole("/proc/net/netlink"), port_id);
  if (inode) holder.process = process_with_socket(*inode);
  return holder;
}

std::optional<GroupHolder> find_group_holder(std::uint16_t group) {
  const auto port = find_holder_port(group);
  if (!port) return std::nullopt;
  return holder_with_port(*port);
}

}  // namespace kube_nflog
