// SPDX-License-Identifier: Apache-2.0
// Reads the files of tests/fixtures. Used by tests/k8s.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

namespace kube_nflog {

inline std::string fixture(const std::string& name) {
  std::ifstream file(std::string(FIXTURES) + name, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << name;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace kube_nflog
