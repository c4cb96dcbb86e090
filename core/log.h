// SPDX-License-Identifier: Apache-2.0
// The log on stderr: never blocks (what stderr does not take at once is dropped and counted), never
// floods (warn_every). Any thread. Levels: error = we are ending or failing at the main job; warn =
// an operator should act; info = a change of state; debug = for developers.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

namespace kube_nflog {

class Counter;

namespace log {

enum class Level { kDebug, kInfo, kWarn, kError };
enum class Format {
  kText,  // 2026-08-22T10:01:12.345Z warn  Reading the kernel log instead of NFLOG: …
  kJson,  // {"time":"…","level":"warn","message":"…"}; limited lines also have topic and left_out
};

Level level_from(std::string_view name);  // "debug", "warn", "error"; anything else: info

// Call once, before threads start. `dropped` counts lines that stderr did not take; it must outlive
// us.
void start(Level level, Format format, Counter& dropped);

void debug(std::string_view text);
void info(std::string_view text);
void warn(std::string_view text);
void error(std::string_view text);

// Whether a line of this level is told at all: spares the caller what it would cost to make.
bool shows(Level level);

// Lines that stderr took, ever. Any thread. Who draws on the same terminal must know.
std::uint64_t lines();

// At most one line per `topic` and interval; the next one says how many were left out.
// Topics are string literals of ours (bounded), never input.
void debug_every(std::chrono::seconds interval, std::string_view topic, std::string_view text);
void warn_every(std::chrono::seconds interval, std::string_view topic, std::string_view text);

}  // namespace log
}  // namespace kube_nflog
