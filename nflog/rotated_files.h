// SPDX-License-Identifier: Apache-2.0
// The files beside a log that its rotation made: renamed ones, and copies. Used by
// nflog/file_follower.
#pragma once

#include <ctime>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/error.h"
#include "nflog/file_position.h"
#include "nflog/tailed_file.h"

namespace kube_nflog {

// Those whose name is that of the log at `path` (or of what it is a link to) and a number, a date
// or .old behind it, so not compressed ones, each at its start, the longest unmodified first; never
// the log itself. At most 64: of more, the last modified.
std::vector<TailedFile> rotated_files(const std::string& path);

// What became of the log in which `position` is, if it is one of `files`; it is moved there, and
// those that were modified after it follow, in order: all that is to be read before the log at the
// path. Empty: none has it.
std::vector<TailedFile> rotated_from(std::vector<TailedFile> files, const FilePosition& position);

// Those of `files` that were written to after `time`.
std::vector<TailedFile> rotated_since(std::vector<TailedFile> files, SystemTime time);

// Those of `files` that were begun, written and rotated away after `last` was last written to.
std::vector<TailedFile> rotated_after(std::vector<TailedFile> files, const TailedFile& last);

}  // namespace kube_nflog
