// SPDX-License-Identifier: Apache-2.0
#include "k8s/json_items.h"

#include <array>

namespace kube_nflog {

namespace {
constexpr std::string_view kSpace = " \t\r\n";
constexpr std::size_t kListDepth = 2;  // inside the array that is a member of the top-level object

using CharSet = std::array<bool, 256>;
constexpr CharSet char_set(std::string_view chars) {
  CharSet set{};
  for (const char c : chars) set[static_cast<unsigned char>(c)] = true;
  return set;
}
// All that means something inside a string, and outside of one.
constexpr CharSet kInString = char_set("\"\\"), kInValue = char_set("\"{}[]");

}  // namespace

Result<> JsonItems::feed(std::string_view piece) {
  std::size_t at = 0;
  while (at < piece.size()) {
    Result<> read;
    switch (where_) {
      case Where::kOutside:
        read = outside(piece, at);
        break;
      case Where::kBetweenItems:
        read = between(piece, at);
        break;
      case Where::kInItem:
        inside(piece, at);
        break;
    }
    if (!read) return read;
  }
  return {};
}

Result<std::string_view> JsonItems::finish() const {
  if (where_ != Where::kOutside || depth_ != 0 || in_string_ || envelope_.empty()) {
    return fail("the JSON document was cut short");
  }
  return envelope_;
}

bool JsonItems::step(char c) {
  if (in_string_) {
    if (escaped_) {
      escaped_ = false;
    } else if (c == '\\') {
      escaped_ = true;
    } else if (c == '"') {
      in_string_ = false;
    }
    return false;
  }
  switch (c) {
    case '"':
      in_string_ = true;
      return false;
    case '{':
    case '[':
      ++depth_;
      return true;
    case '}':
    case ']':
      if (depth_ > 0) --depth_;  // more closed than opened: the envelope's parser will refuse it
      return true;
    default:
      return false;
  }
}

// The next character that step() has to see: most of an item is plain text.
std::size_t JsonItems::skip_plain(std::string_view piece, std::size_t at) const {
  if (escaped_) return at;
  const CharSet& meaning = in_string_ ? kInString : kInValue;
  while (at < piece.size() && !meaning[static_cast<unsigned char>(piece[at])]) ++at;
  return at;
}

// Copies to the envelope until the items begin.
Result<> JsonItems::outside(std::string_view piece, std::size_t& at) {
  for (; at < piece.size(); ++at) {
    if (envelope_.size() >= limits_.envelope) {
      return fail("the JSON document holds too much besides its items");
    }
    const char c = piece[at];
    const bool bracket = step(c);
    const bool list = bracket && c == '[' && depth_ == kListDepth && items_key_before();
    envelope_.push_back(c);
    if (list) {
      where_ = Where::kBetweenItems;
      ++at;
      break;
    }
  }
  return {};
}

Result<> JsonItems::between(std::string_view piece, std::size_t& at) {
  const char c = piece[at];
  if (c == '{') {
    where_ = Where::kInItem;
    item_.clear();
    too_long_ = false;
  } else if (c == ']') {
    where_ = Where::kOutside;
  } else if (c == ',' || kSpace.find(c) != std::string_view::npos) {
    ++at;
  } else {
    return fail("an element of the JSON list is not an object");
  }
  return {};
}

void JsonItems::inside(std::string_view piece, std::size_t& at) {
  const std::size_t begin = at;
  while ((at = skip_plain(piece, at)) < piece.size()) {
    const bool bracket = step(piece[at++]);
    if (!bracket || depth_ != kListDepth) continue;
    where_ = Where::kBetweenItems;
    const std::string_view rest = piece.substr(begin, at - begin);
    if (item_.empty() && !too_long_ && rest.size() <= limits_.item) {
      on_item_(rest);  // the common case: no copy
      return;
    }
    keep(rest);
    if (too_long_) {
      ++oversized_;
    } else {
      on_item_(item_);
    }
    return;
  }
  keep(piece.substr(begin));
}

void JsonItems::keep(std::string_view part) {
  too_long_ = too_long_ || item_.size() + part.size() > limits_.item;
  if (too_long_) {
    item_.clear();
  } else {
    item_.append(part);
  }
}

// Whether what stands before the bracket is the member name "items", not the end of a longer name.
bool JsonItems::items_key_before() const {
  std::string_view before = envelope_;
  const auto trim = [&before] { before = before.substr(0, before.find_last_not_of(kSpace) + 1); };
  const auto take = [&before](std::string_view suffix) {
    if (!before.ends_with(suffix)) return false;
    before.remove_suffix(suffix.size());
    return true;
  };
  trim();
  if (!take(":")) return false;
  trim();
  if (!take("\"items\"")) return false;
  trim();
  return before.ends_with('{') || before.ends_with(',');
}

}  // namespace kube_nflog
