// SPDX-License-Identifier: Apache-2.0
#include "nflog/file_follower.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <iterator>
#include <system_error>

#include "core/log.h"
#include "nflog/rotated_files.h"

namespace kube_nflog {
namespace {

constexpr std::chrono::seconds kQuiet{60};  // between two warnings of a kind

}  // namespace

FileFollower::FileFollower(FollowOptions options, FileWatch watch)
    : path_(std::move(options.path)),
      from_(options.from),
      saved_(options.saved),
      wait_(options.wait),
      watch_(std::move(watch)),
      lines_(options.mark) {}

Result<FileFollower> FileFollower::open(FollowOptions options, FileWatch watch) {
  FileFollower follower(std::move(options), std::move(watch));
  if (Result<> started = follower.start(); !started) return fail(started.error());
  follower.watch_.follow(follower.path_, follower.file_ ? follower.file_->fd() : -1);
  return follower;
}

Result<> FileFollower::start() {
  Result<TailedFile> file = TailedFile::open(path_);
  const bool missing = !file && file.error().code == ENOENT;
  if (!file && !missing) return fail(file.error());
  if (from_ && file && file->holds(*from_) && file->seek(static_cast<off_t>(from_->offset))) {
    resumed_ = true;
    // An empty file holds nothing to see a truncation by.
    if (from_->offset > 0 || !read_first(rotated_since(rotated_files(path_), saved_)))
      file_ = std::move(*file);
  } else if (from_ && resume(*from_)) {
    resumed_ = true;
    log::info("The log file was rotated meanwhile: reading the rest of the old one first.");
  } else if (file && from_) {
    log::warn("The log file " + path_ +
              " is not the one that was read last, nor is that one to be found beside it, "
              "uncompressed: reading from its start. What was written in between is lost.");
    file->restart();
    file_ = std::move(*file);
    ++truncations_;
  } else if (file) {
    start_at_end(std::move(*file));
  } else {
    std::error_code error;
    const std::filesystem::path directory = std::filesystem::path(path_).parent_path();
    if (!wait_ || !(directory.empty() || std::filesystem::is_directory(directory, error)))
      return fail(file.error());
    log::warn("There is no log file " + path_ + " yet: waiting for it.");
  }
  if (file_ && !file_->at_line_start()) lines_.skip_line();  // its head is from before
  return {};
}

void FileFollower::start_at_end(TailedFile file) {
  if (!file.seek(file.status().st_size)) file.restart();
  file_ = std::move(file);
}

bool FileFollower::resume(const FilePosition& from) {
  return read_first(rotated_from(rotated_files(path_), from));
}

// Before the log at the path.
bool FileFollower::read_first(std::vector<TailedFile> files) {
  if (files.empty()) return false;
  later_.assign(std::move_iterator(files.begin()), std::move_iterator(files.end()));
  take_next();
  return true;
}

void FileFollower::take_next() {
  file_ = std::move(later_.front());
  later_.pop_front();
  missed_ = false;
  watch_.follow(path_, file_->fd());
}

void FileFollower::look(SteadyTime now) {
  now_ = now;
  due_ = now + watch_.patience();
  watch_.acknowledge();
}

Result<bool> FileFollower::fill() {
  if (!file_) return fill_from_new_file();
  // Looked at before the last read: what the writer adds to the old file comes before its first
  // bytes in the new one.
  const bool ended = !later_.empty() || successor_has_begun();
  const Result<TailedFile::Chunk> chunk = file_->read(lines_.room());
  if (!chunk) return fail(chunk.error());
  if (chunk->rewritten) return recover();
  lines_.filled(chunk->bytes);
  if (chunk->bytes > 0 || !lines_.has_begun_line()) grown_ = now_;
  if (chunk->bytes > 0) return true;
  if (ended) return move_on();
  if (now_ - grown_ >= kLineTime) lines_.skip_line();
  return false;
}

Result<bool> FileFollower::fill_from_new_file() {
  Result<TailedFile> file = TailedFile::open(path_);
  if (!file) {
    if (file.error().code != ENOENT) log::warn_every(kQuiet, "log_file", file.error().what);
    watch_.follow(path_, -1);  // a link may lead elsewhere by now
    return false;
  }
  log::info("Reading the log file " + path_ + ", which has come.");
  file->restart();
  later_.push_back(std::move(*file));
  take_next();
  return true;
}

// The file was truncated, and may have been written to since.
bool FileFollower::recover() {
  if (resume(file_->position())) return true;  // its copy has the rest
  log::warn_every(
      kQuiet, "log_truncated",
      "The log file " + path_ +
          " was truncated and no uncompressed copy of it stands beside it: reading from "
          "its start. What was written since it was read last, if anything, is lost.");
  ++truncations_;
  lines_.skip_line();  // a line that was begun is counted
  lines_.clear();
  file_->restart();
  return true;
}

// To the file that stands at the path, or to those first that came and went in between.
bool FileFollower::move_on() {
  if (later_.empty()) {
    Result<TailedFile> next = TailedFile::open(path_);
    if (!next) {  // gone again, or not readable yet
      if (next.error().code != ENOENT) log::warn_every(kQuiet, "log_file", next.error().what);
      return false;
    }
    if (next->is(*file_)) return false;
    // A copy of what was read, put in its place, is read on from there, with a begun line anew.
    const FilePosition end = file_->position(lines_.held());
    if (next->holds(end) && next->seek(static_cast<off_t>(end.offset)))
      lines_.clear();
    else
      next->restart();
    for (TailedFile& file : rotated_after(rotated_files(path_), *file_))
      if (!file.is(*next)) later_.push_back(std::move(file));
    later_.push_back(std::move(*next));
  }
  lines_.end_line();
  take_next();
  return true;
}

bool FileFollower::successor_has_begun() {
  struct stat status {};
  if (::stat(path_.c_str(), &status) != 0 || file_->is(status)) return false;
  if (status.st_size > 0 || others_came_and_went()) return true;
  // Watched first and looked at again, lest its first bytes come in between.
  watch_.also(path_);
  return ::stat(path_.c_str(), &status) == 0 && !file_->is(status) && status.st_size > 0;
}

// A reader that was behind has missed whole files. Without this they would wait for the first line
// of the one at the path, which a quiet node may not write for hours.
bool FileFollower::others_came_and_went() {
  constexpr std::chrono::seconds kBetween{1};  // it opens each file beside the log
  if (missed_ || now_ < look_beside_) return missed_;
  look_beside_ = now_ + kBetween;
  const std::vector<TailedFile> others = rotated_after(rotated_files(path_), *file_);
  missed_ = std::any_of(others.begin(), others.end(),
                        [](const TailedFile& file) { return file.status().st_size > 0; });
  return missed_;
}

std::optional<FilePosition> FileFollower::position() const {
  if (!file_ || lines_.held() > file_->offset()) return std::nullopt;
  return file_->position(lines_.held());
}

}  // namespace kube_nflog
