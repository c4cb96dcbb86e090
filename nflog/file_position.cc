// SPDX-License-Identifier: Apache-2.0
#include "nflog/file_position.h"

#include "nflog/text.h"

namespace kube_nflog {
namespace {

constexpr std::string_view kKind = "file 1";  // and the version of what follows

}  // namespace

std::uint64_t FilePosition::hash(std::string_view tail) {  // FNV-1a
  std::uint64_t h = 0xcbf29ce484222325U;
  for (const char c : tail) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return h;
}

std::string FilePosition::to_string() const {
  std::string text(kKind);
  for (const std::uint64_t value : {device, inode, offset, tail_hash})
    text += ' ' + std::to_string(value);
  return text;
}

std::optional<FilePosition> FilePosition::parse(std::string_view text) {
  if (!text.starts_with(kKind)) return std::nullopt;
  text.remove_prefix(kKind.size());
  FilePosition position;
  for (std::uint64_t* value :
       {&position.device, &position.inode, &position.offset, &position.tail_hash}) {
    if (!text.starts_with(' ')) return std::nullopt;
    text.remove_prefix(1);
    const std::string_view word = text.substr(0, text.find(' '));
    const auto parsed = number<std::uint64_t>(word);
    if (!parsed) return std::nullopt;
    *value = *parsed;
    text.remove_prefix(word.size());
  }
  if (!text.empty() || position.offset > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
  return position;
}

}  // namespace kube_nflog
