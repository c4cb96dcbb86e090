// SPDX-License-Identifier: Apache-2.0
#include "core/log.h"

#include <poll.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "core/clock.h"
#include "core/metrics.h"

namespace kube_nflog::log {
namespace {

// Writes a line only if stderr takes it now. A pipe that polls writable has room for PIPE_BUF bytes
// (pipe(7)), so a line of at most that length does not block.
class StderrSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit StderrSink(Counter* dropped) : dropped_(dropped) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    if (line.size() > PIPE_BUF) {
      line.resize(PIPE_BUF);
      line[PIPE_BUF - 1] = '\n';
    }
    pollfd fd{STDERR_FILENO, POLLOUT, 0};
    const bool taken = ::poll(&fd, 1, 0) == 1 && (fd.revents & POLLOUT) != 0 &&
                       ::write(STDERR_FILENO, line.data(), line.size()) > 0;
    if (!taken && dropped_ != nullptr) dropped_->add();
  }
  void flush_() override {}

  Counter* dropped_;
};

std::unique_ptr<spdlog::logger> make_logger(Counter* dropped) {
  auto made = std::make_unique<spdlog::logger>("kube-nflog", std::make_shared<StderrSink>(dropped));
  made->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %-5l %v", spdlog::pattern_time_type::utc);
  return made;
}

std::unique_ptr<spdlog::logger>& logger() {
  static std::unique_ptr<spdlog::logger> instance = make_logger(nullptr);
  return instance;
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

// Input ends up in log lines (prefixes, bodies): a control character must not forge a line or drive
// a terminal.
void write(Level level, std::string_view text) {
  if (!shows(level)) return;
  std::string clean(text);
  std::replace_if(
      clean.begin(), clean.end(), [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; }, ' ');
  logger()->log(to_spdlog(level), spdlog::string_view_t(clean));
}

struct Topic {
  SteadyTime next{};
  unsigned left_out = 0;
};

void write_every(Level level, std::chrono::seconds interval, std::string_view topic,
                 std::string_view text) {
  static std::mutex mutex;
  static std::map<std::string, Topic, std::less<>> topics;
  std::string line(text);
  {
    const std::lock_guard lock(mutex);
    auto it = topics.find(topic);
    if (it == topics.end()) it = topics.emplace(topic, Topic{}).first;
    const SteadyTime now = steady_now();
    if (now < it->second.next) {
      ++it->second.left_out;
      return;
    }
    if (it->second.left_out > 0)
      line += " (" + std::to_string(it->second.left_out) + " more like it since the last line)";
    it->second = {now + interval, 0};
  }
  write(level, line);
}

}  // namespace

Level level_from(std::string_view name) {
  if (name == "debug") return Level::kDebug;
  if (name == "warn") return Level::kWarn;
  if (name == "error") return Level::kError;
  return Level::kInfo;
}

void start(Level level, Counter& dropped) {
  logger() = make_logger(&dropped);
  logger()->set_level(to_spdlog(level));
}

bool shows(Level level) { return logger()->should_log(to_spdlog(level)); }

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
