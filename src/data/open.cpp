#include "data/open.hpp"

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/nearest.hpp"
#include "data/builtin.hpp"
#include "data/cifar.hpp"
#include "data/idx.hpp"
#include "data/imagenet.hpp"
#include "data/photos.hpp"
#include "data/source_name.hpp"
#include "data/tar.hpp"

#include <string_view>

namespace resnet {
namespace {

DataSplit open_shapes(SourceName source, const DataOptions& options) {
  ShapesOptions shapes{.seed = options.seed};
  source.take("train", shapes.train);
  source.take("test", shapes.test);
  source.take("seed", shapes.seed);
  source.finish();
  return generate_shapes(shapes, options.threads);
}

DataSplit open_patterns(SourceName source, const DataOptions& options) {
  PatternsOptions patterns{.seed = options.seed};
  source.take("size", patterns.size);
  source.take("noise", patterns.noise);
  source.take("count", patterns.count);
  source.take("jitter", patterns.jitter);
  source.take("seed", patterns.seed);
  source.finish();
  return generate_patterns(patterns, options.threads);
}

struct Builtin {
  std::string_view name;
  DataSplit (*open)(SourceName, const DataOptions&);
};
constexpr Builtin builtins[] = {{"shapes", open_shapes}, {"patterns", open_patterns}};

DataSplit open_builtin(const std::string& spec, const DataOptions& options) {
  SourceName source(spec);
  std::vector<std::string> names;
  for (const Builtin& builtin : builtins) {
    if (source.name() == builtin.name) return builtin.open(std::move(source), options);
    names.push_back(text_of("builtin:", builtin.name));
  }
  const std::string name = "builtin:" + source.name(), hint = did_you_mean(name, names);
  fail_usage("there is no data set ", name, hint.empty() ? text_of("; there are ", names[0], " and ", names[1]) : hint);
}

DataSplit open_folder(const std::string& spec, const DataOptions& options) {
  constexpr const char* kinds =
      "a folder of class folders with images, tar files of such, a CIFAR-10 or CIFAR-100 folder (binary version), an "
      "MNIST folder (idx files), builtin:shapes or builtin:patterns";
  const fs::path folder = spec;
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (!fs::exists(status)) {
    for (const Builtin& builtin : builtins)
      if (spec == builtin.name) fail_data(spec, ": no such folder; did you mean builtin:", spec, "?");
    fail_data(spec, ": no such folder; expected ", kinds);
  }
  if (!fs::is_directory(status)) {
    if (std::optional<DataSplit> split = open_tar_shards(folder, options)) return *std::move(split);
    fail_data(spec, ": is a file, expected a folder or a .tar file",
              spec.ends_with(".gz") || spec.ends_with(".tgz") || spec.ends_with(".xz") || spec.ends_with(".zip")
                  ? "; unpack it and name the folder inside"
                  : "");
  }
  fs::directory_iterator readable(folder, error);
  if (error) fail_data(spec, ": cannot be read: ", error.message());
  if (std::optional<DataSplit> split = open_cifar(folder, options)) return *std::move(split);
  if (std::optional<DataSplit> split = open_idx(folder, options)) return *std::move(split);
  if (std::optional<DataSplit> split = open_tar_shards(folder, options)) return *std::move(split);
  if (std::optional<DataSplit> split = open_imagenet_validation(folder, options)) return *std::move(split);
  if (std::optional<DataSplit> split = open_photos(folder, options)) return *std::move(split);
  for (const fs::path& place : {folder, folder / "cifar-10-batches-py", folder / "cifar-100-python"})
    if (path_exists(place / "data_batch_1") || path_exists(place / "meta"))
      fail_data(place.string(), ": this is CIFAR's Python version; download the binary version instead");
  fail_data(spec, ": not a data set; expected ", kinds);
}

}  // namespace

DataSplit open_data(const std::string& spec, const DataOptions& options) {
  return spec.starts_with("builtin:") ? open_builtin(spec, options) : open_folder(spec, options);
}

}  // namespace resnet
