#include "data/idx.hpp"

#include "base/error.hpp"
#include "data/gzip.hpp"
#include "data/open.hpp"
#include "data/split.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace resnet {
namespace {

constexpr uint64_t file_limit = uint64_t{2} << 30;
constexpr uint64_t largest_side = 4096;
constexpr std::size_t fewest_classes = 10;

constexpr std::array fashion_names = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                      "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
/// The first labels of Fashion-MNIST's two parts; MNIST begins with 5 0 4 1 and 7 2 1 0.
constexpr std::array fashion_train = {9, 0, 0, 3, 0, 2, 7, 2, 5, 5};
constexpr std::array fashion_test = {9, 2, 1, 1, 6, 1, 4, 6, 5, 7};

/// The file of a part, in any of the forms in which it is spread; empty if there is none.
fs::path find_file(const fs::path& folder, const std::string& part, const std::string& what, char rank) {
  for (const char* separator : {"-", "."})
    for (const char* ending : {"", ".gz"}) {
      const fs::path path = folder / (part + "-" + what + separator + "idx" + rank + "-ubyte" + ending);
      if (path_exists(path)) return path;
    }
  return {};
}

struct Array {
  std::vector<uint64_t> shape;
  std::string bytes;     // of the file
  std::size_t data = 0;  // where the values begin
};

/// An idx file of 8-bit values with `rank` axes: two zeros, the type 8, the rank, the sizes as big-endian 32-bit
/// numbers.
Array read_idx(const fs::path& path, std::size_t rank) {
  Array array{.shape = {}, .bytes = read_maybe_gzip(path, file_limit)};
  const auto byte = [&](std::size_t at) { return static_cast<uint64_t>(static_cast<unsigned char>(array.bytes[at])); };
  array.data = 4 + 4 * rank;
  if (array.bytes.size() < array.data || byte(0) != 0 || byte(1) != 0 || byte(2) != 8 || byte(3) != rank)
    fail_data(path.string(), ": not an idx file of bytes with ", rank, " axes; download it again");
  uint64_t values = 1;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const std::size_t at = 4 + 4 * axis;
    array.shape.push_back(byte(at) << 24 | byte(at + 1) << 16 | byte(at + 2) << 8 | byte(at + 3));
    if (axis > 0 && (array.shape[axis] < 1 || array.shape[axis] > largest_side))
      fail_data(path.string(), ": images with a side of ", array.shape[axis], ", expected 1 to ", largest_side);
    values *= array.shape[axis];
  }
  if (values != array.bytes.size() - array.data)
    fail_data(path.string(), ": cut short or damaged: ", array.bytes.size() - array.data, " values, its header says ",
              values);
  return array;
}

struct Part {
  std::vector<uint8_t> pixels;
  std::vector<int> labels;
  Shape image;
};

std::optional<Part> read_part(const fs::path& folder, const std::string& part) {
  const fs::path images_file = find_file(folder, part, "images", '3'),
                 labels_file = find_file(folder, part, "labels", '1');
  if (images_file.empty() && labels_file.empty()) return std::nullopt;
  if (images_file.empty() || labels_file.empty())
    fail_data(folder.string(), ": has ", (images_file.empty() ? labels_file : images_file).filename().string(),
              " without the ", images_file.empty() ? "images" : "labels", " that belong to it");
  const Array images = read_idx(images_file, 3), labels = read_idx(labels_file, 1);
  if (images.shape[0] != labels.shape[0])
    fail_data(labels_file.string(), ": has ", labels.shape[0], " labels for ", images.shape[0], " images");
  if (images.shape[0] == 0) fail_data(images_file.string(), ": has no images");
  Part result;
  result.image = {1, static_cast<int64_t>(images.shape[1]), static_cast<int64_t>(images.shape[2])};
  result.pixels.assign(images.bytes.begin() + static_cast<std::ptrdiff_t>(images.data), images.bytes.end());
  for (std::size_t i = labels.data; i < labels.bytes.size(); ++i)
    result.labels.push_back(static_cast<unsigned char>(labels.bytes[i]));
  return result;
}

template <std::size_t N>
bool begins_with(const std::optional<Part>& part, const std::array<int, N>& labels) {
  return part && part->labels.size() >= N && std::equal(labels.begin(), labels.end(), part->labels.begin());
}

std::vector<std::string> class_names(const std::optional<Part>& train, const std::optional<Part>& test, bool fashion) {
  if (fashion) return {fashion_names.begin(), fashion_names.end()};
  std::size_t count = fewest_classes;
  for (const std::optional<Part>* part : {&train, &test})
    if (*part) count = std::max(count, static_cast<std::size_t>(*std::ranges::max_element((*part)->labels)) + 1);
  std::vector<std::string> names;
  for (std::size_t label = 0; label < count; ++label) names.push_back(std::to_string(label));
  return names;
}

std::shared_ptr<const Dataset> dataset_of(std::optional<Part> part, const std::vector<std::string>& classes) {
  if (!part) return nullptr;
  return memory_dataset(classes, part->image, std::move(part->pixels), std::move(part->labels));
}

}  // namespace

std::optional<DataSplit> open_idx(const fs::path& folder, const DataOptions& options) {
  std::optional<Part> train = read_part(folder, "train"), test = read_part(folder, "t10k");
  if (!train && !test) return std::nullopt;
  if (train && test && !(train->image == test->image))
    fail_data(folder.string(), ": the test images are ", test->image, ", the training images ", train->image);
  const bool fashion = begins_with(train, fashion_train) || (!train && begins_with(test, fashion_test));
  const std::vector<std::string> classes = class_names(train, test, fashion);
  if (fashion)
    for (const std::optional<Part>* part : {&train, &test})
      if (*part && *std::ranges::max_element((*part)->labels) >= static_cast<int>(classes.size()))
        fail_data(folder.string(), ": a label above 9; the file is damaged");
  DataSplit split;
  split.name = fashion ? "fashion-mnist" : "mnist";
  split.train = dataset_of(std::move(train), classes);
  split.test = dataset_of(std::move(test), classes);
  split.preprocessing = computed_preprocessing(split.train ? *split.train : *split.test);
  split.augmentation = {.pad = 2, .flip = fashion};  // digits have a left and a right
  if (!split.train) {
    split.note =
        text_of(folder.string(), ": no training files; the ", split.test->size(), " test images serve evaluation only");
  } else if (!split.test && options.validation == 1) {
    split.test = std::exchange(split.train, nullptr);
    split.test_name = "all";
    split.split_off = true;
  } else if (!split.test) {
    SplitIndices indices = split_by_hash(*split.train, options.validation);
    split.test = subset(split.train, std::move(indices.validation));
    split.train = subset(split.train, std::move(indices.train));
    split.test_name = "validation";
    split.split_off = true;
    split.note = text_of(folder.string(), ": no t10k files; ", split.test->size(),
                         " of the training images, chosen by a hash of their content, are kept for validation");
  }
  return split;
}

}  // namespace resnet
