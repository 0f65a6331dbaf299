#include "data/cifar.hpp"

#include "base/error.hpp"
#include "base/files.hpp"
#include "data/open.hpp"
#include "data/split.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace resnet {
namespace {

constexpr std::size_t pixel_bytes = 3 * 32 * 32;
constexpr uint64_t file_limit = uint64_t{1} << 30;  // the largest of the originals has 154 million bytes

// What differs between the two data sets; the rest of this file knows neither.
struct Flavour {
  std::string_view name, title, child, names_file;
  std::string_view train_prefix, train_file, test_file;  // train files: prefix*.bin, or exactly train_file
  std::size_t label_bytes;                               // the last one is the class
  std::array<float, 3> mean, deviation;
};

constexpr Flavour flavours[] = {
    {"cifar10",
     "CIFAR-10",
     "cifar-10-batches-bin",
     "batches.meta.txt",
     "data_batch_",
     "",
     "test_batch.bin",
     1,
     {.4914f, .4822f, .4465f},
     {.2470f, .2435f, .2616f}},
    {"cifar100",
     "CIFAR-100",
     "cifar-100-binary",
     "fine_label_names.txt",
     "",
     "train.bin",
     "test.bin",
     2,
     {.5071f, .4865f, .4409f},
     {.2673f, .2564f, .2762f}},
};

constexpr const char* cifar10_names[] = {"airplane", "automobile", "bird",  "cat",  "deer",
                                         "dog",      "frog",       "horse", "ship", "truck"};

struct Found {
  const Flavour* flavour;
  fs::path folder;
  std::vector<fs::path> train, test;
};

std::optional<Found> find_flavour(const Flavour& flavour, const fs::path& folder) {
  Found found{&flavour, folder, {}, {}};
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    const std::string file = entry.path().filename().string();
    const bool batch =
        !flavour.train_prefix.empty() && file.starts_with(flavour.train_prefix) && file.ends_with(".bin");
    if (batch || file == flavour.train_file) found.train.push_back(entry.path());
    if (file == flavour.test_file) found.test.push_back(entry.path());
  }
  if (found.train.empty() && found.test.empty()) return std::nullopt;
  std::sort(found.train.begin(), found.train.end(), [](const fs::path& a, const fs::path& b) {
    const std::string& x = a.native();
    const std::string& y = b.native();
    return x.size() != y.size() ? x.size() < y.size() : x < y;  // data_batch_2 comes before data_batch_10
  });
  return found;
}

std::optional<Found> find_cifar(const fs::path& folder) {
  std::vector<Found> all;
  for (const Flavour& flavour : flavours)
    for (const fs::path& place : {folder, folder / flavour.child})
      if (auto found = find_flavour(flavour, place)) all.push_back(*std::move(found));
  if (all.empty()) return std::nullopt;
  if (all.size() > 1)
    fail_data(folder.string(), ": holds two data sets, ", all[0].flavour->title, " in ", all[0].folder.string(),
              " and ", all[1].flavour->title, " in ", all[1].folder.string(), "; name one of these folders");
  return std::move(all[0]);
}

std::vector<std::string> lines_of(const fs::path& path) {
  const std::string text = read_file(path, uint64_t{1} << 20);
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (!line.empty()) lines.push_back(std::move(line));
    at = end + 1;
  }
  return lines;
}

std::vector<std::string> class_names(const Found& found) {
  const fs::path file = found.folder / found.flavour->names_file;
  if (path_exists(file)) {
    std::vector<std::string> names = lines_of(file);
    if (names.empty() || names.size() > 256)
      fail_data(file.string(), ": has ", names.size(), " class names, expected 1 to 256, one a line");
    return names;
  }
  if (found.flavour->label_bytes == 1) return {std::begin(cifar10_names), std::end(cifar10_names)};
  std::vector<std::string> names;
  for (int label = 0; label < 100; ++label) names.push_back("class " + std::to_string(label));
  return names;
}

struct Records {
  std::vector<uint8_t> pixels;
  std::vector<int> labels;
};

void append_file(const fs::path& path, const Flavour& flavour, std::size_t classes, Records& records) {
  const std::size_t record = flavour.label_bytes + pixel_bytes;
  const std::string bytes = read_file(path, file_limit);
  if (bytes.size() % record != 0)
    fail_data(path.string(), ": cut short or not a ", flavour.title, " file: ", bytes.size(),
              " bytes, expected a multiple of ", record, " (the bytes of an image), ", bytes.size() % record,
              " are left over; download it again");
  for (std::size_t at = 0; at < bytes.size(); at += record) {
    const auto label = static_cast<uint8_t>(bytes[at + flavour.label_bytes - 1]);
    if (label >= classes)
      fail_data(path.string(), ": record ", at / record, " has label ", int{label}, ", expected 0 to ", classes - 1,
                " (the ", classes, " names of ", flavour.names_file, "); the file is damaged or not ", flavour.title);
    records.labels.push_back(label);
    const char* pixels = bytes.data() + at + flavour.label_bytes;
    records.pixels.insert(records.pixels.end(), pixels, pixels + pixel_bytes);
  }
}

// Null if there are no files or no records in them.
std::shared_ptr<const Dataset> load(const Found& found, const std::vector<fs::path>& files,
                                    const std::vector<std::string>& classes) {
  Records records;
  std::size_t bytes = 0;
  for (const fs::path& path : files) {
    std::error_code error;
    const std::uintmax_t size = fs::file_size(path, error);
    if (error) continue;  // read_file() says what is wrong
    if (size > file_limit)
      fail_data(path.string(), ": has ", size, " bytes, more than the limit of ", file_limit, "; not a ",
                found.flavour->title, " file");
    bytes += static_cast<std::size_t>(size);
  }
  records.pixels.reserve(bytes);
  for (const fs::path& path : files) append_file(path, *found.flavour, classes.size(), records);
  if (records.labels.empty()) return nullptr;
  return memory_dataset(classes, {3, 32, 32}, std::move(records.pixels), std::move(records.labels));
}

}  // namespace

std::optional<DataSplit> open_cifar(const fs::path& folder, const DataOptions& options) {
  const std::optional<Found> found = find_cifar(folder);
  if (!found) return std::nullopt;
  const Flavour& flavour = *found->flavour;
  const std::vector<std::string> classes = class_names(*found);
  DataSplit split;
  split.name = flavour.name;
  split.preprocessing.mean.assign(flavour.mean.begin(), flavour.mean.end());
  split.preprocessing.deviation.assign(flavour.deviation.begin(), flavour.deviation.end());
  split.train = load(*found, found->train, classes);
  split.test = load(*found, found->test, classes);
  const std::string place = found->folder.string();
  if (!split.train && !split.test) fail_data(place, ": the ", flavour.title, " files are empty; download them again");
  if (!split.train) {
    split.note = text_of(place, ": no training files; the ", split.test->size(), " test images serve evaluation only");
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
    split.note = text_of(place, ": no ", flavour.test_file, "; ", split.test->size(), " of the ",
                         split.test->size() + split.train->size(),
                         " training images, chosen by a hash of their content, are kept for validation");
  }
  return split;
}

}  // namespace resnet
