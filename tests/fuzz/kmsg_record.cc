// SPDX-License-Identifier: Apache-2.0
// Fuzz target: any record of /dev/kmsg is read or refused; a message stays within its record, and
// none is longer for its escapes being undone.
#include "nflog/kmsg_record.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "nflog/kmsg_position.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kube_nflog;
  const std::string input(reinterpret_cast<const char*>(data), size);
  kmsg_start(input, "boot", 100);
  std::string bytes = input;
  const std::optional<KmsgRecord> record = read_kmsg_record(bytes);
  if (!record) return 0;
  const std::size_t semicolon = input.find(';');
  const std::size_t end = std::min(input.find('\n', semicolon), input.size());
  if (record->message.data() != bytes.data() + semicolon + 1) std::abort();
  if (record->message.size() > end - semicolon - 1) std::abort();
  // Nothing but the message was touched.
  if (bytes.compare(0, semicolon, input, 0, semicolon) != 0) std::abort();
  if (bytes.compare(end, bytes.npos, input, end, input.npos) != 0) std::abort();
  const bool escapes = input.substr(semicolon, end - semicolon).find("\\x") != std::string::npos;
  if (!escapes && record->message.size() != end - semicolon - 1) std::abort();
  if (record->uptime.count() < 0) std::abort();
  return 0;
}
