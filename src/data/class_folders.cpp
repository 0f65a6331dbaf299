#include "data/class_folders.hpp"

#include "base/error.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>

namespace resnet {
namespace {

constexpr std::array<std::string_view, 4> part_names = {"train", "test", "val", "validation"};

bool is_part_name(std::string_view name) { return std::ranges::find(part_names, name) != part_names.end(); }

/// "a" of "a/b/c"; all of it without a slash.
std::string_view first_of(std::string_view name) { return name.substr(0, name.find('/')); }
/// "b/c" of "a/b/c"; nothing without a slash.
std::string_view rest_of(std::string_view name) {
  const std::size_t slash = name.find('/');
  return slash == std::string_view::npos ? std::string_view() : name.substr(slash + 1);
}

/// Class folders and the files in each, of names without their part.
using Classes = std::map<std::string, std::vector<std::size_t>, std::less<>>;

struct Parts {
  std::map<std::string, Classes, std::less<>> of;  // by the name of the part; "" for class folders that lie in none
};

/// Folders named like a part, with folders in them. "train" with images right in it is a class of trains.
std::set<std::string, std::less<>> parts_among(const std::vector<std::string>& names,
                                               const std::vector<std::string>& folders) {
  std::set<std::string, std::less<>> parts;
  for (const std::vector<std::string>* list : {&names, &folders})
    for (const std::string& name : *list) {
      const std::string_view rest = rest_of(name);
      const bool holds_a_folder = list == &folders ? !rest.empty() : rest.find('/') != std::string_view::npos;
      if (is_part_name(first_of(name)) && holds_a_folder) parts.emplace(first_of(name));
    }
  return parts;
}

Parts take_apart(const std::vector<std::string>& names, const std::vector<std::string>& folders,
                 std::vector<std::string>& notes) {
  const std::set<std::string, std::less<>> parts = parts_among(names, folders);
  Parts result;
  std::set<std::string, std::less<>> outside;
  const auto class_of = [&](std::string_view name, bool is_file) -> std::vector<std::size_t>* {
    const std::string part(parts.contains(first_of(name)) ? first_of(name) : "");
    if (!part.empty()) name = rest_of(name);
    const bool in_class = is_file ? name.find('/') != std::string_view::npos : !name.empty();
    if (part.empty() && !parts.empty() && in_class) outside.emplace(first_of(name));
    if (!in_class || (part.empty() && !parts.empty())) return nullptr;
    return &result.of[part][std::string(first_of(name))];
  };
  for (const std::string& folder : folders) class_of(folder, false);
  for (std::size_t i = 0; i < names.size(); ++i)
    if (std::vector<std::size_t>* files = class_of(names[i], true)) files->push_back(i);
  if (!outside.empty())
    notes.push_back(
        text_of("what is in ", listed({outside.begin(), outside.end()}), " is in none of the parts and is left out"));
  return result;
}

/// Takes empty classes out. Other parts then lack them as well.
void drop_empty_classes(const std::string& part, Classes& classes, std::vector<std::string>& notes) {
  std::erase_if(classes, [&](const auto& item) {
    if (item.second.empty())
      notes.push_back(
          text_of(part.empty() ? "" : part + ": ", "class '", item.first, "' has no images and is left out"));
    return item.second.empty();
  });
}

/// The parts of another data set would be taken for classes, and all its images for one class.
void expect_no_parts_within(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const std::string_view within = rest_of(name);
    if (is_part_name(first_of(within)) && rest_of(within).find('/') != std::string_view::npos)
      fail_data("folder '", first_of(name), "' has parts of its own (", first_of(within), "/); name that folder");
  }
}

/// Whether the data set lies in a folder of its own: NAME/train/CLASS/..., or NAME/CLASS/...
bool lie_in_one_folder(const std::vector<std::string>& names, const std::vector<std::string>& folders) {
  if (names.empty() || is_part_name(first_of(names.front()))) return false;
  const auto deeper = [&](const std::string& name) {
    return first_of(name) == first_of(names.front()) && rest_of(name).find('/') != std::string_view::npos;
  };
  const auto within = [&](const std::string& name) { return first_of(name) == first_of(names.front()); };
  return std::ranges::all_of(names, deeper) && std::ranges::all_of(folders, within);
}

std::vector<std::string> without_first(const std::vector<std::string>& names) {
  std::vector<std::string> rest;
  for (const std::string& name : names) rest.emplace_back(rest_of(name));
  return rest;
}

ClassifiedFiles classified(const Classes& classes, const std::vector<std::string>& order) {
  ClassifiedFiles result;
  for (std::size_t label = 0; label < order.size(); ++label) {
    const auto found = classes.find(order[label]);
    if (found == classes.end()) continue;
    result.files.insert(result.files.end(), found->second.begin(), found->second.end());
    result.labels.resize(result.files.size(), static_cast<int>(label));
  }
  return result;
}

/// Names that are in `a` and not in `b`.
std::vector<std::string> lacking(const Classes& a, const Classes& b) {
  std::vector<std::string> names;
  for (const auto& [name, files] : a)
    if (!b.contains(name)) names.push_back(name);
  return names;
}

std::vector<std::string> keys_of(const Classes& classes) {
  std::vector<std::string> names;
  for (const auto& [name, files] : classes) names.push_back(name);
  return names;
}

void match_classes(const Classes& train, const Classes& test, const std::string& test_folder,
                   std::vector<std::string>& notes) {
  if (const std::vector<std::string> extra = lacking(test, train); !extra.empty())
    fail_data(test_folder, "/ has class ", listed(extra), ", train/ has not; remove it or add training images of it");
  if (const std::vector<std::string> missing = lacking(train, test); !missing.empty())
    notes.push_back(text_of(test_folder, "/ has no images of class ", listed(missing)));
}

}  // namespace

ClassFolders arrange(const std::vector<std::string>& names, const std::vector<std::string>& folders) {
  if (lie_in_one_folder(names, folders)) return arrange(without_first(names), without_first(folders));
  ClassFolders result;
  Parts parts = take_apart(names, folders, result.notes);
  for (auto& [part, classes] : parts.of) drop_empty_classes(part, classes, result.notes);
  std::erase_if(parts.of, [](const auto& item) { return item.second.empty(); });
  if (parts.of.contains("val") && parts.of.contains("validation"))
    fail_data("has both val/ and validation/; keep one of them");
  for (const char* folder : {"test", "val", "validation"})  // the first one counts
    if (parts.of.contains(folder) && result.test_folder.empty())
      result.test_folder = folder;
    else if (parts.of.contains(folder))
      result.notes.push_back(text_of(folder, "/ is not used: accuracies are those of ", result.test_folder, "/"));
  const bool flat = parts.of.contains("");
  if (flat) expect_no_parts_within(names);
  const Classes train = flat ? parts.of[""] : parts.of["train"];
  const Classes test = result.test_folder.empty() ? Classes() : parts.of[result.test_folder];
  if (train.empty() && test.empty())
    fail_data(
        "holds no images in class folders; expected FOLDER/CLASS/image.jpg or FOLDER/train/CLASS/image.jpg (jpg, ",
        "jpeg, png, ppm, pgm, bmp, webp)");
  if (!train.empty() && !test.empty()) match_classes(train, test, result.test_folder, result.notes);
  result.classes = keys_of(train.empty() ? test : train);
  if (train.size() == 1)
    fail_data("has only one class, '", result.classes[0], "'; expected at least two class folders with images");
  result.train = classified(train, result.classes);
  result.test = classified(test, result.classes);
  return result;
}

}  // namespace resnet
