#include "data/check/listing.hpp"

#include "base/error.hpp"
#include "data/image_files.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

namespace resnet {
namespace {

constexpr std::array<std::string_view, 4> split_names = {"train", "val", "validation", "test"};

struct Entries {
  std::vector<std::string> folders, files;  // names, sorted by bytes
};

Entries entries_of(const fs::path& folder) {
  Entries entries;
  std::error_code error;
  fs::directory_iterator iterator(folder, error);
  if (error) fail_data(folder.string(), ": cannot be read: ", error.message());
  for (; iterator != fs::directory_iterator(); iterator.increment(error)) {
    if (error) break;
    const std::string name = iterator->path().filename().string();
    std::error_code ignored;
    const bool is_folder = iterator->is_directory(ignored);
    const bool leads_nowhere = iterator->is_symlink(ignored) && !iterator->exists(ignored) && has_image_extension(name);
    if (is_folder || leads_nowhere || iterator->is_regular_file(ignored))
      (is_folder ? entries.folders : entries.files).push_back(name);
  }
  if (error) fail_data(folder.string(), ": cannot be read: ", error.message());
  std::ranges::sort(entries.folders);
  std::ranges::sort(entries.files);
  return entries;
}

bool is_hidden(const std::string& name) { return name.starts_with("."); }

/// Lists and notes may lie beside the classes, images should not.
bool is_picture(const std::string& name) {
  return !is_hidden(name) && (has_image_extension(name) || has_foreign_extension(name));
}

/// All files below a class folder. Links to folders are followed to the class only, so that none leads in a circle.
void add_below(const fs::path& folder, const std::string& prefix, ListedFile file, Listing& listing) {
  const Entries entries = entries_of(folder);
  for (const std::string& name : entries.files) {
    file.name = prefix + name;
    listing.files.push_back(file);
  }
  for (const std::string& name : entries.folders)
    if (!is_hidden(name) && !fs::is_symlink(folder / name))
      add_below(folder / name, prefix + name + "/", file, listing);
}

bool holds_folders(const fs::path& folder) { return !entries_of(folder).folders.empty(); }

/// The splits in `folder`: empty if its folders are classes.
std::vector<std::string> splits_in(const fs::path& folder, const Entries& entries) {
  std::vector<std::string> splits;
  for (const std::string_view name : split_names)
    if (std::ranges::find(entries.folders, name) != entries.folders.end() && holds_folders(folder / name))
      splits.emplace_back(name);
  return splits;
}

struct Root {
  fs::path folder;
  std::string prefix;
};

/// A data set that lies in a folder of its own: NAME/train/CLASS or NAME/CLASS.
Root root_of(const fs::path& folder) {
  const Entries entries = entries_of(folder);
  if (entries.folders.size() != 1 || std::ranges::find(split_names, entries.folders[0]) != split_names.end())
    return {folder, ""};
  const fs::path below = folder / entries.folders[0];
  return holds_folders(below) ? Root{below, entries.folders[0] + "/"} : Root{folder, ""};
}

}  // namespace

Listing list_folder(const fs::path& folder) {
  const auto [root, prefix] = root_of(folder);
  const Entries top = entries_of(root);
  Listing listing{.splits = splits_in(root, top), .classes = {}, .files = {}, .outside = {}};
  for (const std::string& name : top.files)
    if (is_picture(name)) listing.outside.push_back(prefix + name);
  const bool split = !listing.splits.empty();
  if (split)
    for (const std::string& name : top.folders)
      if (std::ranges::find(listing.splits, name) == listing.splits.end() && !is_hidden(name) &&
          !find_images(root / name).files.empty())
        listing.outside.push_back(prefix + name + "/");
  if (!split) listing.splits = {""};

  std::vector<Entries> within;
  std::set<std::string> classes;
  for (const std::string& name : listing.splits) {
    within.push_back(split ? entries_of(root / name) : top);
    std::erase_if(within.back().folders, is_hidden);
    classes.insert(within.back().folders.begin(), within.back().folders.end());
    if (split)
      for (const std::string& file : within.back().files)
        if (is_picture(file)) listing.outside.push_back(prefix + name + "/" + file);
  }
  listing.classes.assign(classes.begin(), classes.end());
  for (std::size_t s = 0; s < listing.splits.size(); ++s) {
    const std::string& name = listing.splits[s];
    for (const std::string& folder_name : within[s].folders) {
      const auto label = std::ranges::lower_bound(listing.classes, folder_name) - listing.classes.begin();
      const ListedFile file{.name = {}, .split = static_cast<int>(s), .label = static_cast<int>(label)};
      add_below(split ? root / name / folder_name : root / folder_name,
                prefix + (split ? name + "/" : "") + folder_name + "/", file, listing);
    }
  }
  return listing;
}

}  // namespace resnet
