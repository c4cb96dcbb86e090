// SPDX-License-Identifier: Apache-2.0
#include "k8s/pod_list.h"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/log.h"
#include "core/unique_fd.h"

namespace kube_nflog {

PodListReader::PodListReader(std::string label_key, std::function<void(Pod)> on_pod)
    : label_key_(std::move(label_key)),
      on_pod_(std::move(on_pod)),
      items_([this](std::string_view item) {
        if (Result<Pod> pod = parse_pod(item, label_key_)) {
          on_pod_(std::move(*pod));
        } else {
          ++skipped_;
        }
      }) {}

Result<ListMeta> PodListReader::finish() {
  const Result<std::string_view> envelope = items_.finish();
  if (!envelope) return fail(envelope.error());
  Result<ListMeta> meta = parse_list_meta(*envelope);
  if (meta && meta->kind != "PodList" && meta->kind != "List") {
    return fail("the JSON document is not a list of Pods");
  }
  return meta;
}

Result<std::vector<Pod>> load_pods_file(const std::string& path, const std::string& label_key) {
  constexpr std::string_view kAdvice =
      " Make the file with `kubectl get pods --all-namespaces -o json`.";
  const auto unreadable = [&path](int error) {
    return fail("cannot read the Pods file " + path + ": " + std::strerror(error) +
                    ". Give --pods the path of a readable file.",
                Exit::kNoInput, error);
  };
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return unreadable(errno);

  std::vector<Pod> pods;
  PodListReader reader(label_key, [&pods](Pod pod) { pods.push_back(std::move(pod)); });
  Result<> fed;
  std::array<char, 65'536> buffer;
  ssize_t n = 0;
  while (fed && (n = ::read(fd.get(), buffer.data(), buffer.size())) != 0) {
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return unreadable(errno);
    fed = reader.feed({buffer.data(), static_cast<std::size_t>(n)});
  }
  const Result<ListMeta> meta = fed ? reader.finish() : fail(fed.error());
  if (!meta) {
    return fail(
        "the Pods file " + path + " is no use: " + meta.error().what + "." + std::string(kAdvice),
        Exit::kNoInput);
  }
  if (reader.skipped() > 0) {
    log::warn(std::to_string(reader.skipped()) + " items of " + path +
              " are not valid Pods and are left out");
  }
  return pods;
}

}  // namespace kube_nflog
