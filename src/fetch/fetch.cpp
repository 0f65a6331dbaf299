#include "fetch/fetch.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "data/cache.hpp"
#include "fetch/unpack.hpp"

#include <algorithm>
#include <utility>

namespace resnet {
namespace {

fs::path place_of(const Published& item, const fs::path& cache) {
  const fs::path root = cache.empty() ? default_cache_folder() : cache;
  return item.is_data() ? root / "data" / item.name : root / "weights" / item.files.front().name();
}

/// "imagenette2-160.tar" for "imagenette2-160.tgz".
fs::path tar_in(const fs::path& folder, const PublishedFile& file) {
  return folder / fs::path(file.name()).replace_extension(".tar");
}

bool is_whole(const Published& item, const fs::path& place) {
  if (item.kind == PublishedKind::packed)
    return std::ranges::all_of(item.files, [&](const PublishedFile& file) { return path_exists(place / file.name()); });
  if (item.kind == PublishedKind::decompressed) return path_exists(tar_in(place, item.files.front()));
  return path_exists(place);
}

void download_to(const fs::path& target, const PublishedFile& file, const FetchOptions& options) {
  std::string mirror = options.mirror;
  while (mirror.ends_with('/')) mirror.pop_back();
  download(target, {.address = mirror.empty() ? std::string(file.address) : text_of(mirror, "/", file.name()),
                    .sha256 = std::string(file.sha256),
                    .most_bytes = file.most_bytes,
                    .exact = file.exact,
                    .patience = options.patience});
}

/// Archives hold pictures and weights, which hardly shrink; more than this is a bomb.
uint64_t unpacked_limit(const PublishedFile& file) { return 8 * file.most_bytes + (1 << 20); }

void fetch_unpacked(const fs::path& place, const PublishedFile& file, const FetchOptions& options) {
  const fs::path archive = place.parent_path() / file.name();
  download_to(archive, file, options);
  log_info("unpacking {}", archive.string());
  unpack_tar_gz(archive, place, unpacked_limit(file));
  fs::remove(archive);
}

void fetch_decompressed(const fs::path& place, const PublishedFile& file, const FetchOptions& options) {
  const fs::path archive = place / file.name();
  download_to(archive, file, options);
  decompress(archive, tar_in(place, file), unpacked_limit(file));
  fs::remove(archive);
}

std::string resolved(const std::string& text, bool data) {
  if (path_exists(text)) return text;
  const Published* item = find_published(text);
  if (!item || item->is_data() != data) return text;
  if (const std::optional<fs::path> place = find_fetched(*item)) return place->string();
  fail_usage(text, ": not fetched yet; `resnet fetch ", text, "` downloads it");
}

}  // namespace

std::optional<fs::path> find_fetched(const Published& item, const fs::path& cache) {
  fs::path place = place_of(item, cache);
  if (!is_whole(item, place)) return std::nullopt;
  return place;
}

fs::path fetch(const Published& item, const FetchOptions& options) {
  if (std::optional<fs::path> place = find_fetched(item, options.cache)) return *std::move(place);
  if (options.offline)
    fail(item.name, ": is not in the cache, and --offline forbids to download it; fetch it where there is a network");
  const fs::path place = place_of(item, options.cache);
  if (item.kind == PublishedKind::weights) download_to(place, item.files.front(), options);
  if (item.kind == PublishedKind::packed)
    for (const PublishedFile& file : item.files) download_to(place / file.name(), file, options);
  if (item.kind == PublishedKind::unpacked) fetch_unpacked(place, item.files.front(), options);
  if (item.kind == PublishedKind::decompressed) fetch_decompressed(place, item.files.front(), options);
  return place;
}

std::string resolved_data(const std::string& text) { return resolved(text, true); }
std::string resolved_weights(const std::string& text) { return resolved(text, false); }

}  // namespace resnet
