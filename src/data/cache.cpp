#include "data/cache.hpp"

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "base/text.hpp"
#include "data/cache_file.hpp"
#include "data/resize.hpp"
#include "data/split.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <span>
#include <utility>
#include <vector>

namespace resnet {
namespace {

class Cached final : public Dataset {
 public:
  Cached(std::shared_ptr<const Dataset> whole, std::shared_ptr<const CacheFile> cache)
      : whole_(std::move(whole)), cache_(std::move(cache)) {}
  int64_t size() const override { return whole_->size(); }
  const std::vector<std::string>& classes() const override { return whole_->classes(); }
  Shape image_shape() const override { return whole_->image_shape(); }
  int label(int64_t index) const override { return whole_->label(index); }
  void read(int64_t index, std::span<uint8_t> pixels) const override { whole_->read(index, pixels); }
  uint64_t hash(int64_t index) const override { return whole_->hash(index); }
  std::string name_of(int64_t index) const override { return whole_->name_of(index); }
  DecodedWindow picture(int64_t index, const PictureRequest& request) const override {
    const CacheEntry* entry = cache_->find(whole_->hash(index));
    const bool as_wanted = entry && entry->height > 0 && request.scale_for == 0 && entry->channels == request.channels;
    const auto pixels = as_wanted ? cache_->pixels(*entry) : std::nullopt;
    if (!pixels) return whole_->picture(index, request);
    const Rectangle all{0, 0, entry->height, entry->width};
    const Rectangle part = request.choose ? request.choose(entry->height, entry->width) : all;
    return {window_of(*entry, *pixels, part), {0, 0, double(part.width), double(part.height)}};
  }

 private:
  /// `part` lies inside the picture.
  static Image window_of(const CacheEntry& entry, std::span<const uint8_t> pixels, const Rectangle& part) {
    Image image{.channels = entry.channels, .height = part.height, .width = part.width};
    const auto channels = static_cast<std::size_t>(entry.channels),
               row = static_cast<std::size_t>(part.width) * channels;
    image.pixels.resize(static_cast<std::size_t>(part.height) * row);
    for (int y = 0; y < part.height; ++y) {
      const std::size_t first = static_cast<std::size_t>(part.top + y) * static_cast<std::size_t>(entry.width) +
                                static_cast<std::size_t>(part.left);
      std::copy_n(pixels.begin() + static_cast<std::ptrdiff_t>(first * channels), row,
                  image.pixels.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(y) * row));
    }
    return image;
  }

  std::shared_ptr<const Dataset> whole_;
  std::shared_ptr<const CacheFile> cache_;
};

/// While it lives, no other process writes this cache.
class WriterLock {
 public:
  explicit WriterLock(const fs::path& file) {
    fs::path path = file;
    path += ".lock";
    descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor_ >= 0 && ::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      log_info("{}: another process is writing this cache; waiting for it", file.string());
      ::flock(descriptor_, LOCK_EX);
    }
  }
  ~WriterLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;

 private:
  int descriptor_;
};

/// What a writer that was killed left behind.
void remove_leftovers(const fs::path& file) {
  std::error_code ignored;
  const std::string start = file.filename().string() + ".tmp";
  for (const fs::directory_entry& entry : fs::directory_iterator(file.parent_path(), ignored))
    if (entry.path().filename().string().starts_with(start)) fs::remove(entry.path(), ignored);
}

struct Photo {
  const Dataset* dataset;
  int64_t index;
};

std::vector<Photo> photos_of(const DataSplit& data) {
  std::vector<Photo> photos;
  for (const std::shared_ptr<const Dataset>& part : {data.train, data.test})
    for (int64_t index = 0; part && index < part->size(); ++index) photos.push_back({part.get(), index});
  return photos;
}

/// How many of `photos` need not be decoded.
std::size_t held_by(const CacheFile* cache, const std::vector<Photo>& photos) {
  if (!cache) return 0;
  return static_cast<std::size_t>(std::ranges::count_if(photos, [&](const Photo& photo) {
    const CacheEntry* entry = cache->find(photo.dataset->hash(photo.index));
    return entry && (entry->height == 0 || entry->channels == photo.dataset->image_shape()[0]);
  }));
}

std::shared_ptr<const CacheFile> reused(std::shared_ptr<const CacheFile> cache, const fs::path& file,
                                        std::size_t images) {
  log_info("cache {}: reused for {}", file.string(), plural(images, "image"));
  return cache;
}

/// Empty for a photo that cannot be decoded. With `earlier` (may be null) what it holds is not decoded again.
Image decoded(const Photo& photo, const std::shared_ptr<const CacheFile>& earlier) {
  const auto channels = static_cast<int>(photo.dataset->image_shape()[0]);
  try {
    if (!earlier) return photo.dataset->picture(photo.index, {.channels = channels}).image;
    const std::shared_ptr<const Dataset> source(std::shared_ptr<const Dataset>(), photo.dataset);
    return Cached(source, earlier).picture(photo.index, {.channels = channels}).image;
  } catch (const Error& error) {
    if (error.code() != ExitCode::bad_data) throw;
    return {.channels = channels};
  }
}

/// Error: a disk that would be full before all is written.
void expect_room(const fs::path& file, uint64_t bytes_so_far, std::size_t done, std::size_t all) {
  struct statvfs disk {};
  if (::statvfs(file.parent_path().c_str(), &disk) != 0) return;
  const double rest = static_cast<double>(bytes_so_far) / static_cast<double>(done) * static_cast<double>(all - done);
  const double room = static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize);
  constexpr double mib = 1 << 20;
  if (rest > 0.95 * room)
    fail(file.string(), ": needs about ", fmt::format("{:.0f} MiB more, the disk has {:.0f}", rest / mib, room / mib));
}

void write_cache(const fs::path& file, const std::vector<Photo>& photos,
                 const std::shared_ptr<const CacheFile>& earlier, int threads) {
  CacheWriter writer(file);
  ThreadPool pool(threads);
  const auto round = static_cast<std::size_t>(threads) * 4;  // decoded pictures in memory at a time
  std::vector<Image> images(round);
  Progress progress("writing the cache", static_cast<int64_t>(photos.size()), "images");
  for (std::size_t first = 0; first < photos.size(); first += round) {
    if (interrupted()) fail_as(ExitCode::interrupted, "interrupted while the cache was written; run it again");
    const std::size_t count = std::min(round, photos.size() - first);
    pool.run(static_cast<int>(count), [&](int task, int) {
      images[static_cast<std::size_t>(task)] = decoded(photos[first + static_cast<std::size_t>(task)], earlier);
    });
    for (std::size_t k = 0; k < count; ++k)
      writer.add(photos[first + k].dataset->hash(photos[first + k].index), images[k]);
    if (first == 0) expect_room(file, writer.bytes(), count, photos.size());
    progress.update(static_cast<int64_t>(first + count));
  }
  writer.commit();
}

std::shared_ptr<const CacheFile> open_or_write(const DataSplit& data, const fs::path& file, int threads) {
  const std::vector<Photo> photos = photos_of(data);
  std::shared_ptr<const CacheFile> cache = CacheFile::open(file);
  if (held_by(cache.get(), photos) == photos.size()) return reused(cache, file, photos.size());
  make_directory(file.parent_path());
  const WriterLock lock(file);
  cache = CacheFile::open(file);  // another process may have written it meanwhile
  const std::size_t held = held_by(cache.get(), photos);
  if (held == photos.size()) return reused(cache, file, held);
  remove_leftovers(file);
  write_cache(file, photos, cache, threads > 0 ? threads : available_cores());
  log_info("cache {}: {:.0f} MiB; {} decoded, {} reused", file.string(),
           static_cast<double>(fs::file_size(file)) / (1 << 20), plural(photos.size() - held, "image"), held);
  return CacheFile::open(file);
}

}  // namespace

fs::path default_cache_folder() {
  if (const char* base = std::getenv("XDG_CACHE_HOME"); base && *base) return fs::path(base) / "resnet";
  if (const char* home = std::getenv("HOME"); home && *home) return fs::path(home) / ".cache" / "resnet";
  fail_usage("--cache: neither HOME nor XDG_CACHE_HOME is set; name a folder with --cache-dir");
}

fs::path cache_file(const fs::path& folder, const std::string& source) {
  const std::string place = fs::absolute(source).lexically_normal().string();
  const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(place.data()), place.size());
  return folder / fmt::format("photos-{:016x}.cache", content_hash(bytes, 0));
}

DataSplit with_cache(DataSplit data, const fs::path& file, int threads) {
  if (!data.sizes) return data;
  std::shared_ptr<const CacheFile> cache;
  try {
    cache = open_or_write(data, file, threads);
  } catch (const Error& error) {
    if (error.code() == ExitCode::interrupted) throw;
    log_warning("no cache: {}", error.what());
  }
  if (!cache) return data;
  if (data.train) data.train = std::make_shared<Cached>(std::move(data.train), cache);
  data.test = std::make_shared<Cached>(std::move(data.test), cache);
  return data;
}

}  // namespace resnet
