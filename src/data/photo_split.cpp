#include "data/photo_split.hpp"

#include "base/csv.hpp"
#include "base/error.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

namespace resnet {
namespace {

constexpr uint64_t file_limit = uint64_t{4} << 30;  // a line has some 100 bytes

/// A photo on its way into one of the parts.
struct Placed {
  const PhotoFile* photo;
  bool validates;
  bool held;  // by a saved split
};
using Class = std::vector<Placed*>;

/// Lets the photos with one hash change sides, of those that are free the smallest or the largest; whether there was
/// one.
bool move_one(const Class& photos, bool to_validation) {
  std::optional<uint64_t> chosen;
  for (const Placed* placed : photos) {
    const uint64_t content = placed->photo->content;
    if (placed->held || placed->validates == to_validation) continue;
    if (!chosen || (to_validation ? content < *chosen : content > *chosen)) chosen = content;
  }
  for (Placed* placed : photos)
    if (chosen && placed->photo->content == *chosen && !placed->held) placed->validates = to_validation;
  return chosen.has_value();
}

bool lacks(const Class& photos, bool validation) {
  return std::ranges::none_of(photos, [&](const Placed* placed) { return placed->validates == validation; });
}

/// Whether nothing would be left for training if all free copies of one photo went to validation.
bool has_two_contents(const Class& photos) {
  return std::ranges::any_of(
      photos, [&](const Placed* placed) { return placed->photo->content != photos.front()->photo->content; });
}

/// Gives both parts something of a class; false if validation gets nothing.
bool mend(const Class& photos, const std::string& name) {
  if (lacks(photos, false) && !move_one(photos, false))
    fail_data("class '", name, "' has no images for training: split.csv keeps all its ", plural(photos.size(), "image"),
              " for validation; add images, or train without --split");
  if (lacks(photos, true) && has_two_contents(photos)) move_one(photos, true);
  return !lacks(photos, true);
}

}  // namespace

bool is_for_validation(uint64_t content, double fraction) {
  return static_cast<double>(content >> 11) * 0x1p-53 < fraction;
}

SavedSplit::SavedSplit(std::string_view text, const std::string& where) {
  const std::vector<std::vector<std::string>> rows = csv_rows(text);
  std::set<std::string> names;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::vector<std::string>& row = rows[i];
    uint64_t hash = 0;
    const std::string& digits = row.back();
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), hash, 16);
    if (row.size() != 4 || error != std::errc() || end != digits.data() + digits.size())
      fail_data(where, ": line ", i + 2, ": expected part, class, file and content, as in the split.csv of a run");
    names.insert(row[1]);
    validates_.emplace(hash, row[0] != "train");
  }
  if (rows.empty()) fail_data(where, ": names no images; expected the split.csv of a run");
  classes_.assign(names.begin(), names.end());
}

SavedSplit SavedSplit::read(const fs::path& file) { return {read_file(file, file_limit), file.string()}; }

std::optional<bool> SavedSplit::validates(const std::string& class_name, uint64_t content) const {
  const auto label = std::ranges::lower_bound(classes_, class_name);
  if (label == classes_.end() || *label != class_name) return std::nullopt;
  const auto found = validates_.find(photo_hash(content, static_cast<int>(label - classes_.begin())));
  return found == validates_.end() ? std::nullopt : std::optional(found->second);
}

bool SavedSplit::trained_on(const Dataset& dataset, int64_t index) const {
  const auto found = validates_.find(dataset.hash(index));
  return found != validates_.end() && !found->second;
}

PhotoSplit split_photos(std::vector<PhotoFile> photos, const std::vector<std::string>& classes, double fraction,
                        const SavedSplit* saved) {
  if (!(fraction > 0 && fraction < 1))
    fail_usage("the validation part is ", fraction, " of the training images, expected between 0 and 1");
  std::vector<Placed> placed;
  for (const PhotoFile& photo : photos) {
    const auto held =
        saved ? saved->validates(classes[static_cast<std::size_t>(photo.label)], photo.content) : std::nullopt;
    placed.push_back({&photo, held.value_or(is_for_validation(photo.content, fraction)), held.has_value()});
  }
  std::vector<Class> by_class(classes.size());
  for (Placed& each : placed) by_class[static_cast<std::size_t>(each.photo->label)].push_back(&each);
  PhotoSplit split;
  for (std::size_t label = 0; label < classes.size(); ++label)
    if (!by_class[label].empty() && !mend(by_class[label], classes[label]))
      split.not_validated.push_back(classes[label]);
  for (std::size_t i = 0; i < photos.size(); ++i)
    (placed[i].validates ? split.validation : split.train).push_back(std::move(photos[i]));
  if (split.validation.empty())
    fail_data("has ", plural(split.train.size(), "usable image"),
              ", none of which can be kept for validation; expected a class with two different ones, or a folder val/");
  return split;
}

}  // namespace resnet
