// SPDX-License-Identifier: Apache-2.0
// The table of --format=text: one line a write, for people. Used by stdout_sink.
#pragma once

#include <string>

#include "k8s/event.h"

namespace kube_nflog {

std::string text_header();
std::string text_row(const EventSubject& subject, const EventRecord& record);

}  // namespace kube_nflog
