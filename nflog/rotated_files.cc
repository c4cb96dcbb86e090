// SPDX-License-Identifier: Apache-2.0
#include "nflog/rotated_files.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

#include "core/file_time.h"

namespace kube_nflog {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFiles = 64;

// What a rotation adds to a name: a number (.1), a date (-20261128, or as dateformat says) or .old.
// Others' copies and notes beside a log are not of it.
bool is_rotations(std::string_view ending) {
  if (ending == ".old") return true;
  return ending.size() > 1 && ending.find_first_of(".-_") == 0 &&
         ending.find_first_of("0123456789") != ending.npos &&
         ending.find_first_not_of("0123456789.-_:T") == ending.npos;
}

bool modified_before(const TailedFile& a, const TailedFile& b) {
  const timespec x = a.status().st_mtim, y = b.status().st_mtim;
  return std::tie(x.tv_sec, x.tv_nsec) < std::tie(y.tv_sec, y.tv_nsec);
}

}  // namespace

std::vector<TailedFile> rotated_files(const std::string& path) {
  std::error_code error;
  fs::path log = fs::weakly_canonical(path, error);
  if (error) log = path;
  const std::string name = log.filename();
  const Result<TailedFile> present = TailedFile::open(log);
  std::vector<TailedFile> files;
  for (fs::directory_iterator it(log.parent_path(), error), end; !error && it != end;
       it.increment(error)) {
    const std::string other = it->path().filename();
    if (!other.starts_with(name) || !is_rotations(std::string_view(other).substr(name.size())))
      continue;
    Result<TailedFile> file = TailedFile::open(it->path());
    if (!file || (present && present->is(*file))) continue;
    files.push_back(std::move(*file));
    if (files.size() <= kMaxFiles) continue;
    files.erase(std::min_element(files.begin(), files.end(), modified_before));
  }
  std::stable_sort(files.begin(), files.end(), modified_before);
  return files;
}

std::vector<TailedFile> rotated_from(std::vector<TailedFile> files, const FilePosition& position) {
  const auto has = [&](const TailedFile& file) { return file.holds(position); };
  const auto same = std::find_if(files.begin(), files.end(), [&](const TailedFile& file) {
    const struct stat status = file.status();
    return status.st_ino == position.inode && status.st_dev == position.device && has(file);
  });
  // Of copies the last one: it has the most.
  auto holder = same;
  for (auto it = files.begin(); same == files.end() && it != files.end(); ++it)
    if (has(*it)) holder = it;
  if (holder == files.end() || !holder->seek(static_cast<off_t>(position.offset))) return {};
  std::vector<TailedFile> later = rotated_after(
      [&] {
        std::vector<TailedFile> rest;
        std::move(std::next(holder), files.end(), std::back_inserter(rest));
        return rest;
      }(),
      *holder);
  later.insert(later.begin(), std::move(*holder));
  return later;
}

std::vector<TailedFile> rotated_since(std::vector<TailedFile> files, SystemTime time) {
  std::erase_if(files,
                [time](const TailedFile& file) { return modified_at(file.status()) <= time; });
  return files;
}

std::vector<TailedFile> rotated_after(std::vector<TailedFile> files, const TailedFile& last) {
  const FilePosition end = last.position();
  std::erase_if(files, [&](const TailedFile& file) {
    return file.is(last) || !modified_before(last, file) || file.holds(end);  // the latter: copies
  });
  return files;
}

}  // namespace kube_nflog
