#include "train/open_network.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "data/imagenet.hpp"
#include "fetch/fetch.hpp"
#include "train/run.hpp"

namespace resnet {
namespace {

/// torchvision's presets.ImageClassification.
Preprocessing torchvision_preprocessing(int resize) {
  return {.channels = 3,
          .height = 224,
          .width = 224,
          .resize = resize,
          .filter = Filter::bilinear,
          .mean = {0.485f, 0.456f, 0.406f},
          .deviation = {0.229f, 0.224f, 0.225f}};
}

OpenedModel open_published(const Published& item, const OpenOptions& options) {
  const bool said = !options.model.empty() || !options.mean.empty() || !options.deviation.empty() || options.size;
  if (said && !options.where_needed)
    fail_usage(item.name,
               ": its structure and preprocessing are known; --model, --mean, --std and --size are for files "
               "that do not say them");
  OpenedModel model = open_model(resolved_weights(std::string(item.name)), {.model = std::string(item.model)});
  model.info.preprocessing = torchvision_preprocessing(item.resize);
  model.preprocessing_known = true;
  model.info.classes = imagenet_names();
  model.classes_known = true;
  return model;
}

}  // namespace

bool is_published_weights(const std::string& text) {
  const Published* item = path_exists(text) ? nullptr : find_published(text);
  return item && !item->is_data();
}

OpenedModel open_network(const std::string& text, const OpenOptions& options) {
  OpenedModel model = is_published_weights(text) ? open_published(*find_published(text), options)
                                                 : open_model(model_file_of(text), options);
  for (const std::string& note : model.notes) log_info("{}: {}", text, note);
  return model;
}

}  // namespace resnet
