// SPDX-License-Identifier: Apache-2.0
// TemporaryDirectory: a directory for one test, gone with it. Used by tests that need real files.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace kube_nflog {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = std::filesystem::temp_directory_path() / "kube-nflog-test.XXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string path(const std::string& file) const { return path_ + "/" + file; }
  void write(const std::string& file, const std::string& content) const {
    std::ofstream(path(file), std::ios::binary) << content;
  }

 private:
  std::string path_;
};

}  // namespace kube_nflog
