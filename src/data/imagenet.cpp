#include "data/imagenet.hpp"

#include "base/error.hpp"
#include "data/open.hpp"
#include "data/photos.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <sstream>
#include <utility>

namespace resnet {
namespace {

// Names and their order: torchvision's list of categories. Numbers: map_clsloc.txt of the development kit.
constexpr ImagenetClass classes[] = {
#include "data/imagenet_classes.inc"
};
static_assert(std::size(classes) == 1000);

constexpr std::string_view image_prefix = "ILSVRC2012_val_";

std::optional<int> whole_number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// 1 for "ILSVRC2012_val_00000001.JPEG" and for the same without its ending.
std::optional<int> image_number(std::string_view file) {
  if (!file.starts_with(image_prefix)) return std::nullopt;
  return whole_number(file.substr(image_prefix.size(), 8));
}

std::optional<int> label_of_synset(std::string_view synset) {
  const auto found = std::ranges::lower_bound(classes, synset, {}, &ImagenetClass::synset);
  if (found == std::end(classes) || found->synset != synset) return std::nullopt;
  return static_cast<int>(found - std::begin(classes));
}

std::optional<int> label_of_number(int number) {
  const auto found = std::ranges::find(classes, number, &ImagenetClass::number);
  if (found == std::end(classes)) return std::nullopt;
  return static_cast<int>(found - std::begin(classes));
}

struct ListEntry {
  int image = 0;
  std::optional<int> label;
};

/// A line of any of the lists: NUMBER or SYNSET, for the image of the line's own number; FILE LABEL; FILE,SYNSET ...
ListEntry entry_of(std::string line, int line_number) {
  std::ranges::replace(line, ',', ' ');
  std::istringstream words(line);
  std::string first, second;
  words >> first >> second;
  if (second.empty()) {
    const std::optional<int> number = whole_number(first);
    return {line_number, number ? label_of_number(*number) : label_of_synset(first)};
  }
  const std::optional<int> label = whole_number(second);
  return {image_number(first).value_or(0),
          label && *label >= 0 && *label < std::ssize(classes) ? label : label_of_synset(second)};
}

/// The label of each image by its number.
std::map<int, int> read_list(const fs::path& path) {
  std::istringstream lines(read_file(path, uint64_t{64} << 20));
  std::map<int, int> labels;
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.empty() || line.starts_with("ImageId")) continue;
    const ListEntry entry = entry_of(line, number);
    if (entry.image < 1 || !entry.label)
      fail_data(path.string(), ": line ", number, " is '", line.substr(0, 60),
                "', expected a number from 1 to 1000, a synset like n01440764, or an image with one of these");
    labels[entry.image] = *entry.label;
  }
  return labels;
}

fs::path find_list(const fs::path& folder) {
  const fs::path plain = fs::absolute(folder).lexically_normal();
  const fs::path parent = plain.has_filename() ? plain.parent_path() : plain.parent_path().parent_path();
  for (const fs::path& place : {plain, parent})
    for (const char* below : {"", "ILSVRC2012_devkit_t12/data", "data"})
      for (const char* name : {"ILSVRC2012_validation_ground_truth.txt", "val.txt", "LOC_val_solution.csv",
                               "imagenet_2012_validation_synset_labels.txt"})
        if (path_exists(place / below / name)) return place / below / name;
  fail_data(folder.string(),
            ": holds ImageNet's validation images without their labels; expected "
            "ILSVRC2012_validation_ground_truth.txt from the development kit (or val.txt) in it or beside it");
}

}  // namespace

std::span<const ImagenetClass> imagenet_classes() { return classes; }

std::vector<std::string> imagenet_names() {
  std::vector<std::string> names;
  for (const ImagenetClass& item : classes) names.emplace_back(item.name);
  return names;
}

std::optional<std::string> other_imagenet_name(std::string_view name) {
  for (const ImagenetClass& item : classes) {
    if (item.synset == name) return std::string(item.name);
    if (item.name == name) return std::string(item.synset);
  }
  return std::nullopt;
}

std::optional<DataSplit> open_imagenet_validation(const fs::path& folder, const DataOptions& options) {
  auto files = std::make_shared<ImageFiles>(folder);
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (image_number(name) && has_image_extension(name)) files->files.push_back({.name = name});
  }
  if (files->files.empty()) return std::nullopt;
  std::ranges::sort(files->files, {}, &ImageFile::name);
  const fs::path list = find_list(folder);
  const std::map<int, int> labels = read_list(list);
  std::vector<int> label_of;
  for (const ImageFile& file : files->files) {
    const auto found = labels.find(*image_number(file.name));
    if (found == labels.end()) fail_data(list.string(), ": says nothing of ", file.name);
    label_of.push_back(found->second);
  }
  std::vector<std::string> synsets;
  for (const ImagenetClass& item : classes) synsets.emplace_back(item.synset);
  return open_labelled_photos(std::move(files), label_of, std::move(synsets), "imagenet", options);
}

}  // namespace resnet
