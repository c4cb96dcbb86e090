// SPDX-License-Identifier: Apache-2.0
#include "core/log.h"

#include <poll.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "core/clock.h"
#include "core/metrics.h"
#include "core/printable.h"

namespace kube_nflog::log {
namespace {

std::atomic<std::uint64_t> lines_taken{0};

// Writes a line only if stderr takes it now. A pipe that polls writable has room for PIPE_BUF bytes
// (pipe(7)), so a line of at most that length, as all of ours are, does not block.
class StderrSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit StderrSink(Counter* dropped) : dropped_(dropped) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    pollfd fd{STDERR_FILENO, POLLOUT, 0};
    const bool taken = ::poll(&fd, 1, 0) == 1 && (fd.revents & POLLOUT) != 0 &&
                       ::write(STDERR_FILENO, line.data(), line.size()) > 0;
    if (taken) lines_taken.fetch_add(1, std::memory_order_relaxed);
    if (!taken && dropped_ != nullptr) dropped_->add();
  }
  void flush_() override {}

  Counter* dropped_;
};

// A text line, and a JSON one with its escapes, are at most PIPE_BUF bytes.
constexpr std::size_t kMaxText = PIPE_BUF - 128, kMaxMessageInJson = kMaxText / 2 - 64;

constexpr const char* pattern(Format format) {
  return format == Format::kJson ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ",%v})"
                                 : "%Y-%m-%dT%H:%M:%S.%eZ %v";
}

struct Logger {
  Logger(Format form, Counter* dropped)
      : format(form), spdlog("kube-nflog", std::make_shared<StderrSink>(dropped)) {
    spdlog.set_pattern(pattern(form), spdlog::pattern_time_type::utc);
  }
  Format format;
  spdlog::logger spdlog;
};

std::unique_ptr<Logger>& logger() {
  static std::unique_ptr<Logger> instance = std::make_unique<Logger>(Format::kText, nullptr);
  return instance;
}

constexpr std::string_view word(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarn:
      return "warn";
    case Level::kError:
      break;
  }
  return "error";
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarn:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

// What a limited line knows of itself.
struct Repeats {
  std::string_view topic;
  unsigned left_out = 0;
};

std::string as_text(Level level, std::string_view text, const Repeats& repeats) {
  std::string line(word(level));
  line.resize(6, ' ');
  line += on_one_line(text, kMaxText);
  if (repeats.left_out > 0)
    line += " (" + std::to_string(repeats.left_out) + " more like it since the last line)";
  return line;
}

std::string as_json(Level level, std::string_view text, const Repeats& repeats) {
  std::string line = R"("level":")" + std::string(word(level)) + R"(","message":")" +
                     json_escaped(on_one_line(text, kMaxMessageInJson)) + '"';
  if (!repeats.topic.empty()) line += R"(,"topic":")" + std::string(repeats.topic) + '"';
  if (repeats.left_out > 0) line += R"(,"left_out":)" + std::to_string(repeats.left_out);
  return line;
}

// Input ends up in log lines (prefixes, bodies): no character of it may forge a line or drive a
// terminal.
void write(Level level, std::string_view text, const Repeats& repeats = {}) {
  if (!shows(level)) return;
  const std::string line = logger()->format == Format::kJson ? as_json(level, text, repeats)
                                                             : as_text(level, text, repeats);
  logger()->spdlog.log(to_spdlog(level), spdlog::string_view_t(line));
}

struct Topic {
  SteadyTime next{};
  unsigned left_out = 0;
};

void write_every(Level level, std::chrono::seconds interval, std::string_view topic,
                 std::string_view text) {
  static std::mutex mutex;
  static std::map<std::string, Topic, std::less<>> topics;
  unsigned left_out = 0;
  {
    const std::lock_guard lock(mutex);
    auto it = topics.find(topic);
    if (it == topics.end()) it = topics.emplace(topic, Topic{}).first;
    const SteadyTime now = steady_now();
    if (now < it->second.next) {
      ++it->second.left_out;
      return;
    }
    left_out = it->second.left_out;
    it->second = {now + interval, 0};
  }
  write(level, text, {topic, left_out});
}

}  // namespace

Level level_from(std::string_view name) {
  if (name == "debug") return Level::kDebug;
  if (name == "warn") return Level::kWarn;
  if (name == "error") return Level::kError;
  return Level::kInfo;
}

void start(Level level, Format format, Counter& dropped) {
  logger() = std::make_unique<Logger>(format, &dropped);
  logger()->spdlog.set_level(to_spdlog(level));
}

std::uint64_t lines() { return lines_taken.load(std::memory_order_relaxed); }

bool shows(Level level) { return logger()->spdlog.should_log(to_spdlog(level)); }

void debug(std::string_view text) { write(Level::kDebug, text); }
void info(std::string_view text) { write(Level::kInfo, text); }
void warn(std::string_view text) { write(Level::kWarn, text); }
void error(std::string_view text) { write(Level::kError, text); }

void debug_every(std::chrono::seconds interval, std::string_view topic, std::string_view text) {
  write_every(Level::kDebug, interval, topic, text);
}
void warn_every(std::chrono::seconds interval, std::string_view topic, std::string_view text) {
  write_every(Level::kWarn, interval, topic, text);
}

}  // namespace kube_nflog::log
