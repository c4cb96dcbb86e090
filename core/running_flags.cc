// SPDX-License-Identifier: Apache-2.0
#include "core/running_flags.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace kube_nflog {
namespace {

std::string read_whole(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

std::vector<std::string> flags_in(std::string_view cmdline) {
  std::vector<std::string> words;
  while (!cmdline.empty()) {
    const std::size_t end = std::min(cmdline.find('\0'), cmdline.size());
    words.emplace_back(cmdline.substr(0, end));
    cmdline.remove_prefix(std::min(end + 1, cmdline.size()));
  }
  if (!words.empty()) words.erase(words.begin());
  return words;
}

std::vector<std::string> flags_of_the_running_agent() {
  if (::getpid() == 1 || read_whole("/proc/1/comm") != "kube-nflog\n") return {};
  return flags_in(read_whole("/proc/1/cmdline"));
}

}  // namespace kube_nflog
