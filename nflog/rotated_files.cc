// SPDX-License-Identifier: Apache-2.0
#include "nflog/rotated_files.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>
#include <tuple>
#include <utility>

namespace kube_nflog {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFiles = 64;

bool is_compressed(const std::string& name) {
  constexpr std::array kEndings{".gz", ".bz2", ".xz", ".zst", ".lz4", ".Z"};
  return std::any_of(kEndings.begin(), kEndings.end(),
                     [&](const char* ending) { return name.ends_with(ending); });
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
    if (!other.starts_with(name) || is_compressed(other)) continue;
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

std::vector<TailedFile> rotated_after(std::vector<TailedFile> files, const TailedFile& last) {
  const FilePosition end = last.position();
  std::erase_if(files, [&](const TailedFile& file) {
    return file.is(last) || !modified_before(last, file) || file.holds(end);  // the latter: copies
  });
  return files;
}

}  // namespace kube_nflog
