// SPDX-License-Identifier: Apache-2.0
// PodListReader: a PodList as it arrives -> Pods one by one, in the memory of the largest. Used by
// pod_watch (lists), pod_lookup (answers) and for --pods=FILE.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "k8s/json_items.h"
#include "k8s/pod.h"
#include "k8s/pod_json.h"

namespace kube_nflog {

class PodListReader {
 public:
  PodListReader(std::string label_key, std::function<void(Pod)> on_pod);
  PodListReader(const PodListReader&) = delete;  // items_ calls back into this
  PodListReader& operator=(const PodListReader&) = delete;

  Result<> feed(std::string_view piece) { return items_.feed(piece); }
  // After the last piece. An error: cut short, not JSON, or not a list.
  Result<ListMeta> finish();
  // Items that were no valid Pod, or too long to be one.
  std::size_t skipped() const { return skipped_ + items_.oversized(); }

 private:
  std::string label_key_;
  std::function<void(Pod)> on_pod_;
  std::size_t skipped_ = 0;
  JsonItems items_;
};

// The file of --pods: what `kubectl get pods -A -o json` prints (kind List) or the API does
// (PodList). Errors are for the operator, Exit::kNoInput.
Result<std::vector<Pod>> load_pods_file(const std::string& path, const std::string& label_key);

}  // namespace kube_nflog
