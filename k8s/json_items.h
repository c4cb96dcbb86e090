// SPDX-License-Identifier: Apache-2.0
// JsonItems: cuts the elements of the top-level "items" array out of a JSON document while it
// arrives, so that a list of any length is read in the memory of its largest item. Used by
// pod_list.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/error.h"

namespace kube_nflog {

struct JsonItemsLimits {
  std::size_t item = 4U << 20;      // bytes; a longer item is left out and counted
  std::size_t envelope = 4U << 20;  // bytes; a longer one ends the reading
};

// Follows strings and brackets and nothing else: whether an item, or what is left around the items,
// is valid JSON is for the parser that reads it to say.
class JsonItems {
 public:
  // `on_item` gets each element, valid during the call.
  JsonItems(std::function<void(std::string_view)> on_item, JsonItemsLimits limits = {})
      : on_item_(std::move(on_item)), limits_(limits) {}

  // The next piece of the document, cut anywhere. An error is final.
  Result<> feed(std::string_view piece);
  // The document without its items: {"kind":"PodList","metadata":{…},"items":[]}. An error if it
  // was cut short.
  Result<std::string_view> finish() const;

  std::size_t oversized() const { return oversized_; }

 private:
  Result<> outside(std::string_view piece, std::size_t& at);
  Result<> between(std::string_view piece, std::size_t& at);
  void inside(std::string_view piece, std::size_t& at);
  std::size_t skip_plain(std::string_view piece, std::size_t at) const;
  bool step(char c);  // keeps depth_ and the string flags; true at a bracket
  bool items_key_before() const;
  void keep(std::string_view part);

  std::function<void(std::string_view)> on_item_;
  JsonItemsLimits limits_;
  enum class Where : std::uint8_t { kOutside, kBetweenItems, kInItem } where_ = Where::kOutside;
  std::string envelope_;
  std::string item_;  // the part of the current item that came with earlier pieces
  std::size_t depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  bool too_long_ = false;  // the current item
  std::size_t oversized_ = 0;
};

}  // namespace kube_nflog
