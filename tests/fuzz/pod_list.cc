// SPDX-License-Identifier: Apache-2.0
// Fuzz target: a list cut into pieces reads as the whole does. The first byte chooses the pieces.
#include "k8s/pod_list.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace kube_nflog;

struct Reading {
  std::vector<std::string> uids;
  std::size_t skipped = 0;
  std::string end;
  bool operator==(const Reading&) const = default;
};

Reading read(std::string_view text, std::size_t piece) {
  Reading reading;
  PodListReader reader("", [&reading](const Pod& pod) { reading.uids.push_back(pod.uid); });
  Result<> fed;
  for (; fed && !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
    fed = reader.feed(text.substr(0, piece));
  }
  const Result<ListMeta> meta = fed ? reader.finish() : fail(fed.error());
  reading.skipped = reader.skipped();
  reading.end = meta ? meta->kind + meta->resource_version : meta.error().what;
  return reading;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  if (read(text, std::size_t{1} + data[0]) != read(text, text.size() + 1)) std::abort();
  return 0;
}
