// SPDX-License-Identifier: Apache-2.0
#include "nflog/kmsg_record.h"

#include <gtest/gtest.h>

#include <string>

namespace kube_nflog {
namespace {

// The record of `text`; its message stays valid until the next call.
std::optional<KmsgRecord> read(std::string text) {
  static std::string bytes;
  bytes = std::move(text);
  return read_kmsg_record(bytes);
}
std::string message(const std::string& text) {
  const auto record = read(text);
  return record ? std::string(record->message) : "(none)";
}

TEST(KmsgRecord, ReadsWhatTheKernelWrites) {
  const auto record = read("4,13166,16437784330,-;drop: IN=a OUT=b SRC=10.0.0.1 \n");
  ASSERT_TRUE(record);
  EXPECT_EQ(record->sequence, 13166u);
  EXPECT_EQ(record->uptime.count(), 16'437'784'330);
  EXPECT_TRUE(record->of_kernel);
  EXPECT_EQ(record->message, "drop: IN=a OUT=b SRC=10.0.0.1 ") << "with the space at its end";
}

TEST(KmsgRecord, FieldsThatAreNewToUsAndTheDictionaryArePassedOver) {
  EXPECT_EQ(message("6,1,2,-,caller=T27,more=1;eth0: up\n SUBSYSTEM=net\n DEVICE=n1\n"),
            "eth0: up");
  EXPECT_EQ(message("6,1,2,c;a part"), "a part");
  EXPECT_EQ(message("6,1,2,-;\n"), "");
  EXPECT_EQ(message("6,1,2,-;a;b\n"), "a;b");
}

TEST(KmsgRecord, OnlyTheKernelIsTheKernel) {
  EXPECT_TRUE(read("7,1,2,-;x\n")->of_kernel);
  EXPECT_FALSE(read("12,1,2,-;x\n")->of_kernel) << "LOG_USER, as devkmsg_write() makes it";
  EXPECT_FALSE(read("30,1,2,-;x\n")->of_kernel) << "a daemon";
  EXPECT_FALSE(read("4294967295,1,2,-;x\n")->of_kernel);
}

TEST(KmsgRecord, EscapesAreUndone) {
  EXPECT_EQ(message("4,1,2,-;w\\xc3\\xb6rter: \\x5c IN=a\n"), "w\xc3\xb6rter: \\ IN=a");
  EXPECT_EQ(message("4,1,2,-;a\\x0ab\\x00\n"), std::string("a\nb\0", 4));
  EXPECT_EQ(message("4,1,2,-;\\x5cx41\n"), "\\x41") << "once";
  // None of the kernel's own: left as they are.
  EXPECT_EQ(message("4,1,2,-;\\ \\x \\xg1 \\x1G \\n \\x4"), "\\ \\x \\xg1 \\x1G \\n \\x4");
}

TEST(KmsgRecord, WhatIsNoRecordIsRefused) {
  for (const char* text :
       {"", ";", "4,1,2,-", "4,1,2;x", "4,1;x", "4;x", ",,,;x", "a,1,2,-;x", "4,b,2,-;x",
        "4,1,c,-;x", "-4,1,2,-;x", "4,-1,2,-;x", "4,1,-2,-;x", " 4,1,2,-;x", "4294967296,1,2,-;x",
        "4,18446744073709551616,2,-;x", "4,1,9999999999999999,-;x", " SUBSYSTEM=net"}) {
    EXPECT_FALSE(read(text)) << text;
  }
  EXPECT_EQ(read("4,18446744073709551615,2,-;x")->sequence, UINT64_MAX);
}

TEST(KmsgRecord, CutAnywhereNothingElseIsRead) {
  const std::string whole = "4,13166,16437784330,-;a\\x5cb\n K=v\n";
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const auto record = read(whole.substr(0, size));
    if (!record) continue;
    EXPECT_GT(size, whole.find(';'));
    EXPECT_EQ(record->sequence, 13166u);
    EXPECT_EQ(record->uptime.count(), 16'437'784'330);
  }
}

}  // namespace
}  // namespace kube_nflog
