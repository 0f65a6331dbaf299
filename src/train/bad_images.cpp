#include "train/bad_images.hpp"

#include "base/csv.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

namespace resnet {
namespace {

constexpr std::string_view title = "file,reason\n";
constexpr uint64_t file_limit = uint64_t{1} << 30;
/// The terminal sees so many of them; all are in bad_files.csv.
constexpr int64_t shown = 20;

}  // namespace

BadImages::BadImages(std::string data, double allowed, int64_t images)
    : data_(std::move(data)),
      allowed_(allowed),
      limit_(static_cast<int64_t>(std::ceil(allowed * static_cast<double>(images)))) {}

void BadImages::keep_in(const fs::path& file) {
  if (path_exists(file))
    for (const std::vector<std::string>& row : csv_rows(read_file(file, file_limit)))
      if (row.size() == 2) reasons_.emplace(row[0], row[1]);
  file_ = file;
  std::string text(title);
  for (const auto& [name, reason] : reasons_) text += csv_row({name, reason});
  if (!reasons_.empty()) write_file(file_, text);  // without a line that a crash cut short
}

void BadImages::name(const BadImage& image) {
  if (count() <= shown) log_warning("{}: {}; left out", image.file, image.reason);
  if (count() == shown) log_warning("more bad images are not named here but in bad_files.csv");
  if (file_.empty()) return;
  if (!path_exists(file_)) write_file(file_, title);
  std::string row = csv_row({image.file, image.reason});
  row.pop_back();
  append_line(file_, row);
}

void BadImages::add(std::span<const BadImage> images) {
  for (const BadImage& image : images)
    if (reasons_.emplace(image.file, image.reason).second) name(image);
  if (count() > limit_ && !images.empty())
    fail_data(
        data_, ": ", plural(count(), "image"), " cannot be used, more than the ", limit_, " that --max-bad ", allowed_,
        " allows; the last one is ", images.back().file, ": ", images.back().reason,
        "; mend or remove them, or allow more; ",
        file_.empty() ? text_of("`resnet check ", data_, "` finds them all") : text_of("all are in ", file_.string()));
}

}  // namespace resnet
