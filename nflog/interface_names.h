// SPDX-License-Identifier: Apache-2.0
// InterfaceNames: what the interfaces are called by whose indexes NFLOG records tell. Taught by
// link_watch, asked by intake, both on the ingest thread; no system call, and no allocation for a
// pair that was asked for before.
//
// A record holds indexes, and an index may have had other names before or be another interface's
// now. The answer is the name as last taught: ingest has link_watch teach what has changed before
// it reads records.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>

#include "core/interface_table.h"
#include "core/interfaces.h"
#include "nflog/link_message.h"

namespace kube_nflog {

class InterfaceNames {
 public:
  // Past `links` interfaces further ones stay without a name; past `pairs`, see InterfaceTable.
  explicit InterfaceNames(std::size_t links = 16'384, std::size_t pairs = 16'384)
      : capacity_(links), table_(pairs) {}

  void learn(const Link& link);
  void forget_all();

  // Of a packet: 0 = no such interface. Null: neither name is known. Lasting.
  const Interfaces* of(std::uint32_t in, std::uint32_t out) {
    Asked& last = asked_[slot(in, out)];
    if (last.in != in || last.out != out) last = look_up(in, out);
    left_out_ += last.left_out ? 1 : 0;
    return last.names;
  }

  // Packets, since the last call, that were answered with less than could be known, for want of
  // room.
  std::uint64_t take_left_out() { return std::exchange(left_out_, 0); }
  std::size_t size() const { return names_.size(); }

 private:
  struct Asked {
    std::uint32_t in = 0, out = 0;
    const Interfaces* names = nullptr;
    bool left_out = false;
  };
  static constexpr std::size_t kAsked = 256;

  static std::size_t slot(std::uint32_t in, std::uint32_t out) {
    return ((std::uint64_t{in} << 32 | out) * 0x9e3779b97f4a7c15U) >> 56;
  }
  Asked look_up(std::uint32_t in, std::uint32_t out);
  // Whether `name` is all that can be known.
  bool look_up(std::uint32_t index, InterfaceName& name) const;

  std::size_t capacity_;
  std::unordered_map<std::uint32_t, InterfaceName> names_;  // by index
  bool full_ = false;                                       // an interface had no room
  InterfaceTable table_;
  std::array<Asked, kAsked> asked_{};  // the latest answers, one for each slot
  std::uint64_t left_out_ = 0;
};

}  // namespace kube_nflog
