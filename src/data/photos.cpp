#include "data/photos.hpp"

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "base/text.hpp"
#include "data/class_folders.hpp"
#include "data/open.hpp"
#include "data/photo_split.hpp"
#include "data/split.hpp"

#include <algorithm>
#include <atomic>
#include <numeric>
#include <span>
#include <utility>

namespace resnet {
namespace {

std::span<const uint8_t> as_pixels(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
}

class Photos final : public Dataset {
 public:
  Photos(std::shared_ptr<const ImageFiles> files, std::vector<PhotoFile> photos, std::vector<std::string> classes,
         int channels)
      : files_(std::move(files)), photos_(std::move(photos)), classes_(std::move(classes)), channels_(channels) {}
  int64_t size() const override { return static_cast<int64_t>(photos_.size()); }
  const std::vector<std::string>& classes() const override { return classes_; }
  Shape image_shape() const override { return {channels_, 0, 0}; }
  int label(int64_t index) const override { return at(index).label; }
  void read(int64_t, std::span<uint8_t>) const override {
    fail("photos have sizes of their own; they are read through prepared()");
  }
  DecodedWindow picture(int64_t index, const PictureRequest& request) const override {
    const std::vector<std::byte> bytes = files_->read(at(index).file);
    const DecodeOptions options{.channels = request.channels, .scale_for = request.scale_for};
    const auto whole = [](int height, int width) { return Rectangle{0, 0, height, width}; };
    return decode_window(bytes, options, request.choose ? request.choose : whole);
  }
  uint64_t hash(int64_t index) const override { return photo_hash(at(index).content, at(index).label); }
  std::string name_of(int64_t index) const override { return at(index).file.name; }

 private:
  const PhotoFile& at(int64_t index) const { return photos_[static_cast<std::size_t>(index)]; }

  std::shared_ptr<const ImageFiles> files_;
  std::vector<PhotoFile> photos_;
  std::vector<std::string> classes_;
  int channels_;
};

/// What a look at one file says.
struct Look {
  PhotoFile photo;
  bool grey = false;
  std::string problem = {};  // empty: its header promises a picture
};

Look look_at(const ImageFiles& files, const ImageFile& file) {
  Look look{.photo = {.file = file}};
  try {
    const std::vector<std::byte> bytes = files.read(file);
    const ImageInfo info = probe_image(bytes);
    const bool turned = info.orientation >= 5;
    look.photo.content = content_hash(as_pixels(bytes), 0);
    look.photo.height = turned ? info.width : info.height;
    look.photo.width = turned ? info.height : info.width;
    look.grey = !info.palette && info.channels - (info.alpha ? 1 : 0) == 1;
  } catch (const Error& error) {
    if (error.code() != ExitCode::bad_data) throw;
    look.problem = error.what();
  }
  return look;
}

std::vector<Look> look_at_all(const ImageFiles& files, const std::vector<std::size_t>& wanted, int threads) {
  constexpr std::size_t chunk = 32;
  std::vector<Look> looks(wanted.size());
  Progress progress("looking at images", static_cast<int64_t>(wanted.size()), "images");
  std::atomic<int64_t> done{0};
  ThreadPool pool(threads > 0 ? threads : available_cores());
  pool.run(static_cast<int>((wanted.size() + chunk - 1) / chunk), [&](int task, int worker) {
    const std::size_t first = static_cast<std::size_t>(task) * chunk, last = std::min(first + chunk, wanted.size());
    for (std::size_t i = first; i < last; ++i) looks[i] = look_at(files, files.files[wanted[i]]);
    const int64_t so_far = done += static_cast<int64_t>(last - first);
    if (worker == 0) progress.update(so_far);
  });
  return looks;
}

/// The usable images of one part; the others go to `bad`. Grey only if all images of all parts are.
std::vector<PhotoFile> usable(const ImageFiles& files, const ClassifiedFiles& part, int threads, bool& grey,
                              std::vector<BadImage>& bad) {
  std::vector<PhotoFile> photos;
  std::vector<Look> looks = look_at_all(files, part.files, threads);
  for (std::size_t i = 0; i < looks.size(); ++i) {
    Look& look = looks[i];
    if (!look.problem.empty()) {
      bad.push_back({look.photo.file.name, look.problem});
      continue;
    }
    grey = grey && look.grey;
    look.photo.label = part.labels[i];
    photos.push_back(std::move(look.photo));
  }
  return photos;
}

PhotoSizes sizes_of(const std::vector<PhotoFile>& photos) {
  std::vector<int> sides;
  PhotoSizes sizes;
  for (const PhotoFile& photo : photos) {
    sides.push_back(std::min(photo.height, photo.width));
    sizes.equal = sizes.equal && photo.height == photos[0].height && photo.width == photos[0].width;
  }
  if (photos.empty()) return sizes;
  sizes.height = photos[0].height;
  sizes.width = photos[0].width;
  std::sort(sides.begin(), sides.end());
  sizes.smallest = sides.front();
  sizes.median = sides[sides.size() / 2];
  sizes.largest = sides.back();
  return sizes;
}

/// Statistics of ImageNet for colour, so that weights of other networks fit; one half for grey.
Preprocessing photo_preprocessing(const PhotoSizes& sizes, int channels) {
  constexpr int largest_as_it_is = 96;
  Preprocessing result{.channels = channels, .height = 224, .width = 224, .resize = 256, .mean = {}, .deviation = {}};
  if (sizes.equal && std::max(sizes.height, sizes.width) <= largest_as_it_is) {
    result.height = sizes.height;
    result.width = sizes.width;
    result.resize = std::min(sizes.height, sizes.width);
  }
  result.mean = channels == 1 ? std::vector{0.5f} : std::vector{0.485f, 0.456f, 0.406f};
  result.deviation = channels == 1 ? std::vector{0.25f} : std::vector{0.229f, 0.224f, 0.225f};
  return result;
}

/// Without folders for it, the part for validation is taken out of `train`, or all of it where only evaluation is meant
/// (a share of 1); a note says so.
std::vector<PhotoFile> take_test_part(std::vector<PhotoFile>& train, ClassFolders& found, const DataOptions& options) {
  if (options.validation == 1) return std::exchange(train, {});
  const std::size_t before = train.size();
  const auto saved = options.split.empty() ? std::nullopt : std::optional(SavedSplit::read(options.split));
  PhotoSplit parts = split_photos(std::move(train), found.classes, options.validation, saved ? &*saved : nullptr);
  train = std::move(parts.train);
  found.notes.push_back(text_of("no folder val/ or test/; ", parts.validation.size(), " of the ",
                                plural(before, "image"), ", chosen by ",
                                saved ? text_of(options.split.string(), " and, where it does not name them, ") : "",
                                "a hash of their content, are kept for validation"));
  if (!parts.not_validated.empty())
    found.notes.push_back(
        text_of("validation has no image of class ", listed(parts.not_validated), "; add images of it"));
  return std::move(parts.validation);
}

}  // namespace

uint64_t photo_hash(uint64_t content, int label) { return (content ^ static_cast<uint64_t>(label)) * 0x100000001b3; }

std::shared_ptr<const Dataset> photo_dataset(std::shared_ptr<const ImageFiles> files, std::vector<PhotoFile> photos,
                                             std::vector<std::string> classes, int channels) {
  return std::make_shared<Photos>(std::move(files), std::move(photos), std::move(classes), channels);
}

DataSplit open_photos(std::shared_ptr<ImageFiles> files, const std::vector<std::string>& folders,
                      const std::string& name, const DataOptions& options) {
  std::vector<std::string> names;
  for (const ImageFile& file : files->files) names.push_back(file.name);
  ClassFolders found = arrange(names, folders);
  DataSplit split;
  split.name = name;
  bool grey = true;
  std::vector<PhotoFile> train = usable(*files, found.train, options.threads, grey, split.bad);
  std::vector<PhotoFile> test = usable(*files, found.test, options.threads, grey, split.bad);
  if (train.empty() && test.empty())
    fail_data("none of the ", plural(split.bad.size(), "image"), " can be used; ", split.bad[0].file, ": ",
              split.bad[0].reason);
  if (!found.train.files.empty() && train.empty()) fail_data("none of the images in train/ can be used");
  const int channels = grey ? 1 : 3;
  split.sizes = sizes_of(train.empty() ? test : train);
  split.preprocessing = photo_preprocessing(*split.sizes, channels);
  split.augmentation = {.pad = 1024, .flip = true};  // whatever a recipe wants
  if (test.empty()) {
    test = take_test_part(train, found, options);
    split.test_name = train.empty() ? "all" : "validation";
    split.split_off = true;
  } else if (found.test_folder != "test") {
    split.test_name = "validation";
  }
  if (!files->left_out.empty()) found.notes.push_back(note_of_left_out(files->left_out));
  for (const std::string& note : found.notes) split.note += (split.note.empty() ? "" : "; ") + note;
  if (!train.empty()) split.train = photo_dataset(files, std::move(train), found.classes, channels);
  split.test = photo_dataset(std::move(files), std::move(test), std::move(found.classes), channels);
  return split;
}

DataSplit open_labelled_photos(std::shared_ptr<ImageFiles> files, std::vector<int> labels,
                               std::vector<std::string> classes, const std::string& name, const DataOptions& options) {
  ClassifiedFiles all{std::vector<std::size_t>(files->files.size()), std::move(labels)};
  std::iota(all.files.begin(), all.files.end(), std::size_t{0});
  DataSplit split;
  split.name = name;
  bool grey = true;
  std::vector<PhotoFile> photos = usable(*files, all, options.threads, grey, split.bad);
  if (photos.empty())
    fail_data("none of the ", plural(split.bad.size(), "image"), " can be used; ", split.bad[0].file, ": ",
              split.bad[0].reason);
  split.test_name = "validation";
  split.sizes = sizes_of(photos);
  split.preprocessing = photo_preprocessing(*split.sizes, 3);
  split.test = photo_dataset(std::move(files), std::move(photos), std::move(classes), 3);
  split.note = text_of(split.test->size(), " images for evaluation only");
  return split;
}

std::optional<DataSplit> open_photos(const fs::path& folder, const DataOptions& options) {
  return with_context(folder.string(), [&]() -> std::optional<DataSplit> {
    FoundImages found = find_images(folder);
    if (found.files.empty()) return std::nullopt;
    auto files = std::make_shared<ImageFiles>(folder);
    files->left_out = std::move(found.left_out);
    for (std::string& name : found.files) files->files.push_back({.name = std::move(name)});
    const fs::path plain = folder.lexically_normal();
    const fs::path last = plain.has_filename() ? plain.filename() : plain.parent_path().filename();
    return open_photos(std::move(files), found.folders, last.string().empty() || last == "." ? "photos" : last.string(),
                       options);
  });
}

}  // namespace resnet
