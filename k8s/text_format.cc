// SPDX-License-Identifier: Apache-2.0
#include "k8s/text_format.h"

#include <string_view>

#include "k8s/describe.h"
#include "k8s/rfc3339.h"

namespace kube_nflog {
namespace {

// Wider values push the rest of their line to the right; nothing is cut.
constexpr std::size_t kTime = 20, kCount = 7, kPod = 36;

std::string line(std::string_view time, std::string_view count, std::string_view pod,
                 std::string_view message) {
  const auto pad = [](std::size_t width, std::string_view text) {
    return std::string(width > text.size() ? width - text.size() : 0, ' ');
  };
  std::string out(time);
  out += pad(kTime, time) + "  " + pad(kCount, count);
  out += count;
  out += "  ";
  out += pod;
  out += pad(kPod, pod) + "  ";
  out += message;
  return out += '\n';
}

}  // namespace

std::string text_header() { return line("LAST SEEN", "COUNT", "POD", "MESSAGE"); }

std::string text_row(const EventSubject& subject, const EventRecord& record) {
  return line(to_rfc3339(record.last), std::to_string(record.count()),
              subject.pod.ns + '/' + subject.pod.name, message_of(subject, record));
}

}  // namespace kube_nflog
