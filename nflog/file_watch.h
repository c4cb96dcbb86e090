// SPDX-License-Identifier: Apache-2.0
// FileWatch: a descriptor that tells of changes to a log file and to what stands at its path; where
// inotify cannot serve, it says so. Used by nflog/file_follower on the ingest thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "core/unique_fd.h"

namespace kube_nflog {

class FileWatch {
 public:
  FileWatch();

  // Readable when something may have changed; -1: there is no inotify to be had.
  int fd() const { return notify_.get(); }
  // Call when fd() is readable, then look at the files: what has happened is not told.
  void acknowledge();

  // Watches the directories in which `path` and what it links to stand, and the open file `file`
  // (-1: none yet), and nothing else any more.
  void follow(const std::string& path, int file);
  // Also the file that stands at `path` now, instead of the last such one.
  void also(const std::string& path);

  // After so much silence it is time to look all the same. A second where inotify serves: it does
  // not see a change of a link farther up the path.
  std::chrono::milliseconds patience() const;

 private:
  void add(const std::string& path, std::uint32_t events, std::vector<int>& watches);
  void leave(const std::vector<int>& watches);

  UniqueFd notify_;
  std::vector<int> watches_, also_;
  bool serves_ = true;
};

}  // namespace kube_nflog
